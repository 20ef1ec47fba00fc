"""What has to be undone when a run does not succeed: one call for each step that was done, resolved when it was done."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Undo:
    """A registered call. ``call``: {"function", "args", "kwargs", "retry_policy", "timeout_seconds"}, without templates."""

    scope: str
    step_key: str
    call: JsonObject

    @property
    def key(self) -> str:
        """The key of the undoing step in the run's own scope."""
        place = f"{self.scope}/{self.step_key}" if self.scope else self.step_key
        return f"{place}@undo"


def undo_call(
    function: str, args: list[Json], kwargs: JsonObject, retry_policy: JsonObject | None, timeout_seconds: float | None
) -> JsonObject:
    """The stored form of a call."""
    return {
        "function": function,
        "args": args,
        "kwargs": kwargs,
        "retry_policy": retry_policy,
        "timeout_seconds": timeout_seconds,
    }
