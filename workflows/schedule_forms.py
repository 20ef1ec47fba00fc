"""What people fill in for a schedule."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from engine import facade
from engine.model.schedules import ScheduleSpec
from workflows.forms import StartForm

OVERLAP = [
    ("skip", _("Skip the tick")),
    ("allow", _("Start beside it")),
    ("buffer_one", _("Wait for it to end, one tick at most")),
    ("buffer_all", _("Wait for it to end, one after another")),
    ("cancel_other", _("Cancel it and start")),
]
CATCHUP = [("last", _("Run the last one")), ("none", _("Run none")), ("all", _("Run all, up to a limit"))]
SKIPPED = [("shift", _("Run at the jump")), ("skip", _("Do not run"))]
DOUBLED = [("once", _("Run at the first")), ("twice", _("Run at both"))]
LOCAL = "%Y-%m-%dT%H:%M"
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)


class ScheduleForm(forms.Form):
    """A schedule; times of its start and end are read on the clocks of its zone."""

    name = forms.CharField(label=_("Name"), max_length=200)
    workflow_name = forms.CharField(label=_("Workflow"), max_length=200)
    timing = forms.CharField(label=_("When"), max_length=200, initial="0 2 * * *")
    zone = forms.CharField(label=_("Time zone"), max_length=100, initial="UTC")
    overlap = forms.ChoiceField(label=_("When the run before is still open"), choices=OVERLAP)
    catchup = forms.ChoiceField(label=_("Ticks that were missed"), choices=CATCHUP)
    catchup_limit = forms.IntegerField(label=_("Most missed ticks to run"), min_value=1, max_value=10_000, initial=100)
    skipped = forms.ChoiceField(label=_("A time of day that the clocks skip"), choices=SKIPPED)
    doubled = forms.ChoiceField(label=_("A time of day that the clocks show twice"), choices=DOUBLED)
    jitter_seconds = forms.IntegerField(label=_("Jitter in seconds"), min_value=0, max_value=86_400, initial=0)
    starts_at = forms.DateTimeField(label=_("Not before"), required=False, widget=_MOMENT)
    ends_at = forms.DateTimeField(label=_("Not after"), required=False, widget=_MOMENT)
    inputs = forms.CharField(label=_("Inputs (JSON object)"), initial="{}", required=False)
    queue = forms.RegexField(label=_("Queue"), regex=r"^[A-Za-z0-9_.-]{1,63}$", initial="default")
    priority = forms.IntegerField(label=_("Priority"), min_value=-100, max_value=100, initial=0)
    tags = forms.CharField(label=_("Tags"), required=False)
    max_failures = forms.IntegerField(
        label=_("Pause after failures in a row"), min_value=1, max_value=1000, required=False
    )

    # As the form in which runs are started reads them.
    clean_inputs = StartForm.clean_inputs
    clean_tags = StartForm.clean_tags

    def spec(self) -> ScheduleSpec:
        """What was filled in. The form is valid."""
        values = dict(self.cleaned_data)
        zone = values["zone"]
        for name in ("starts_at", "ends_at"):
            values[name] = _on_the_clocks_of(zone, values[name]) if values[name] else None
        return ScheduleSpec(**values)

    def refuse(self, error: facade.ScheduleRefusedError) -> None:
        """Show what the engine says at the fields that it says it of."""
        for problem in error.problems:
            name = problem.path.split(".")[1]
            self.add_error(name if name in self.fields else None, problem.message)


def initial_of(spec: ScheduleSpec) -> dict[str, Any]:
    """The form's values for a stored schedule."""
    zone = ZoneInfo(spec.zone)
    moments = {
        name: moment.astimezone(zone).replace(tzinfo=None) if (moment := getattr(spec, name)) else None
        for name in ("starts_at", "ends_at")
    }
    inputs = json.dumps(spec.inputs, indent=2, ensure_ascii=False)
    return {**asdict(spec), **moments, "inputs": inputs, "tags": ", ".join(spec.tags)}


def _on_the_clocks_of(zone: str, moment: datetime) -> datetime:
    """Django has read it on its own clocks. A zone that there is not is refused by the engine, by name."""
    try:
        return moment.replace(tzinfo=ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return moment


class BackfillForm(forms.Form):
    """A time that has passed, on the clocks of the schedule's zone."""

    begin = forms.DateTimeField(label=_("From"), widget=_MOMENT)
    end = forms.DateTimeField(label=_("To"), widget=_MOMENT)

    def span(self, zone: str) -> dict[str, datetime]:
        """Both moments. The form is valid."""
        return {name: _on_the_clocks_of(zone, self.cleaned_data[name]) for name in ("begin", "end")}
