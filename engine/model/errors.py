"""What went wrong, as data: stored with the step, shown to the user, never a pickled exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from engine.model.json import JsonObject

ErrorKind = Literal[
    "tool",  # the tool's own failure: non-zero exit, HTTP error, exception in user code
    "timeout",  # the step's own time limit
    "event_timeout",  # the event did not come in time
    "template",  # a template or condition could not be resolved
    "input",  # the tool refused its arguments
    "branch",  # a branch, child or activity that was waited for failed
    "guard",  # a precondition or postcondition did not hold
    "loop_limit",  # a while loop passed its bound
    "terminated",  # the workflow's own terminate operator
    "poison",  # the work killed its worker again and again
    "deadline",  # the run's wall-clock limit
    "cancelled",  # somebody asked the run to stop
    "killed",  # the run was ended from outside, whatever it was doing
    "undo",  # something that was done could not be undone
    "compensated",  # durable code undid what it had done
    "circuit_open",  # the call was not made: its circuit breaker is open
    "lock_timeout",  # the named lock was not free in time
    "approval_expired",  # nobody has decided it in time
    "divergence",  # the definition on re-entry does not match the checkpoints
    "internal",  # ours
]


@dataclass(frozen=True, slots=True)
class StepError:
    """One failure. ``message`` is a sentence for people; ``type`` the exception or category name for machines.

    ``retry_after_seconds``: who refused the attempt asked not to be called again before that; a longer delay of the retry policy stays.
    """

    kind: ErrorKind
    message: str
    type: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None

    def to_json(self) -> JsonObject:
        """The stored form; `from_json` reads it back unchanged but for the advice on when to retry, which is for the attempt at hand alone."""
        return {"kind": self.kind, "message": self.message, "type": self.type, "retryable": self.retryable}

    @classmethod
    def from_json(cls, value: JsonObject) -> StepError:
        """Read what `to_json` wrote."""
        return cls(
            kind=cast(ErrorKind, value["kind"]),
            message=str(value["message"]),
            type=str(value.get("type", "")),
            retryable=bool(value.get("retryable", True)),
        )


class VersionConflictError(Exception):
    """A variable was to be set at one version and stands at another: somebody has set it meanwhile."""

    def __init__(self, name: str, expected: int, found: int) -> None:
        super().__init__(f"the variable {name!r} is at version {found} and was expected at {expected}")
