"""The colours of drawings that have no style sheet: a fill for each state, and ink on paper."""

from __future__ import annotations

INK = "#16202a"
MUTED = "#4d5a66"
LINE = "#7b8794"
PAPER = "#eef0f3"

_FILL = {
    "succeeded": "#e3f6e6",
    "failed": "#ffe9e6",
    "timedout": "#ffe9e6",
    "running": "#e3f2ff",
    "sleeping": "#f3ecff",
    "waiting": "#f3ecff",
    "approval": "#fce9fa",
    "retrying": "#ffebde",
}


def fill_of(state: str) -> str:
    """What a node in this state is filled with."""
    return _FILL.get(state, PAPER)
