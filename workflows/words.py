"""The words for the states of runs and steps."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, pgettext_lazy

STATE_WORDS = {
    "pending": gettext_lazy("Pending"),
    "queued": gettext_lazy("Queued"),
    "running": gettext_lazy("Running"),
    "sleeping": gettext_lazy("Sleeping"),
    "waiting": gettext_lazy("Waiting"),
    "approval": gettext_lazy("Needs approval"),
    "retrying": gettext_lazy("Retrying"),
    "succeeded": gettext_lazy("Succeeded"),
    "failed": gettext_lazy("Failed"),
    "timedout": gettext_lazy("Timed out"),
    "cancelled": gettext_lazy("Cancelled"),
    "paused": gettext_lazy("Paused"),
    "skipped": pgettext_lazy("state of a step", "Skipped"),
    "compensated": gettext_lazy("Compensated"),
}

# The engine's word for the state of a run, and the state of the visual system that it is shown as.
RUN_STATES = {"pending": "queued", "completed": "succeeded"}


def run_state(status: str) -> str:
    """The visual state of a run: its colour, its shape and its word."""
    return RUN_STATES.get(status, status)


def state_word(state: str) -> str:
    """The word for a visual state."""
    return str(STATE_WORDS.get(state, state))
