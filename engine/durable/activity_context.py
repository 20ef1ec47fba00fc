"""What the code of an activity sees: a `ToolContext` with heartbeats whose details outlive the attempt. It never holds a connection."""

from __future__ import annotations

from dataclasses import field

from engine.durable.pulse import Pulse
from engine.durable.tool_context import ToolContext
from engine.kit.values import value
from engine.model.json import Json


@value(frozen=True, slots=True)
class ActivityContext(ToolContext):
    """One attempt of an activity. ``pulse`` is its worker's end of the heartbeats, ``details_before`` what the attempt before said last."""

    pulse: Pulse = field(default_factory=Pulse)
    details_before: Json = None

    def heartbeat(self, details: Json = None) -> bool:
        """Say that work goes on, and where it stands: JSON of at most 64 KiB, given to the next attempt as `last_details`.

        Returns at once; the worker passes the last one on within a second. False when the result is not wanted any more: the activity
        was cancelled, has broken a limit, or belongs to another worker by now. Then end, soon.
        """
        self.pulse.beat(details)
        return not self.is_cancelled

    @property
    def last_details(self) -> Json:
        """The details of the last heartbeat of the attempts before this one, on whichever worker; None when there were none."""
        return self.details_before
