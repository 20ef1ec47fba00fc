"""Approvals as people see them."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from engine.model.approvals import ApprovalView

register = template.Library()
STATES = {
    "pending": "approval",
    "approved": "succeeded",
    "rejected": "cancelled",
    "expired": "timedout",
    "withdrawn": "skipped",
}


@register.filter
def approval_state(state: str) -> str:
    """The visual state of a question."""
    return STATES[state]


@register.filter
def approval_word(state: str) -> str:
    """The word for it."""
    words = {
        "pending": _("Needs approval"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "expired": _("Expired"),
        "withdrawn": _("Withdrawn"),
    }
    return words[state]


@register.filter
def agreed(view: ApprovalView) -> str:
    """How far it is: who agreed of how many, in the stage that is being decided."""
    said = sum(vote.stage == view.stage and vote.vote == "approve" for vote in view.votes)
    told = _("%(n)d of %(quorum)d") % {"n": said, "quorum": view.quorum}
    if len(view.stages) == 1:
        return told
    stage = {"stage": view.stage + 1, "stages": len(view.stages)}
    return f"{told} · " + _("stage %(stage)d of %(stages)d") % stage


@register.filter
def expiry_word(on_expiry: str) -> str:
    """What happens when nobody decides in time."""
    words = {
        "fail": _("the step fails"),
        "approve": _("it counts as approved"),
        "reject": _("it counts as rejected"),
    }
    return words[on_expiry]
