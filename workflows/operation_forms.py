"""What people fill in to operate a tenant: breakers, queues, limits, retention, workers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from engine.facade.guards import MAX_OPEN_SECONDS, MAX_RESOURCE
from engine.facade.retention import MAX_DAYS
from engine.model.flow import LimitView
from engine.model.upkeep import Retention

MINUTE = 60
DAY_SECONDS = 24 * 3600


class OpenBreakerForm(forms.Form):
    """Which resource nobody is to call, for how long, and why."""

    resource = forms.CharField(
        label=_("Resource"),
        max_length=MAX_RESOURCE,
        help_text=_("As it is named in the list: the tool, and for HTTP its host: tools.http.request:pay.example."),
    )
    workflow = forms.CharField(
        label=_("Workflow"),
        max_length=200,
        required=False,
        help_text=_("Only where its steps ask for a breaker of their own (per_workflow); empty: the whole tenant."),
    )
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=1,
        max_value=int(MAX_OPEN_SECONDS) // MINUTE,
        initial=30,
        help_text=_("Then one call at a time finds out whether the resource is well again."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("Shown to everybody who asks why."))


class QueueCapForm(forms.Form):
    """How many tasks of the tenant a queue executes at a time."""

    max_running = forms.IntegerField(
        label=_("Tasks at a time"),
        min_value=0,
        max_value=1_000_000,
        required=False,
        help_text=_("Empty: no cap. What runs already goes on."),
    )


class LimitForm(forms.Form):
    """A limit's figures; a rate has its time too."""

    capacity = forms.IntegerField(label=_("Slots"), min_value=0, max_value=100_000)
    per_seconds = forms.FloatField(label=_("In how many seconds"), min_value=0.001, max_value=31 * DAY_SECONDS)

    def __init__(self, data: Any = None, *, limit: LimitView) -> None:
        super().__init__(data, initial={"capacity": limit.capacity, "per_seconds": limit.per_seconds})
        if limit.kind == "rate":
            self.fields["capacity"].label = _("Starts")
        else:
            del self.fields["per_seconds"]


class RetentionForm(forms.Form):
    """For how many days ended runs are kept."""

    keep_completed_days = forms.IntegerField(
        label=_("Completed runs, days"),
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        help_text=_("Empty: for ever."),
    )
    keep_failed_days = forms.IntegerField(
        label=_("Failed, cancelled and compensated runs, days"),
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        help_text=_("Empty: for ever."),
    )

    def policy(self) -> Retention:
        """What was filled in. The form is valid."""
        return Retention(self.cleaned_data["keep_completed_days"], self.cleaned_data["keep_failed_days"])


class CapacityForm(forms.Form):
    """How much a worker holds and takes."""

    max_concurrent_tasks = forms.IntegerField(
        label=_("Tasks it holds"),
        min_value=1,
        max_value=10_000,
        required=False,
        help_text=_("Empty: what it was started with."),
    )
    batch_size = forms.IntegerField(
        label=_("Tasks it takes at a time"),
        min_value=1,
        max_value=10_000,
        required=False,
        help_text=_("Empty: what it was started with."),
    )
