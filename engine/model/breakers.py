"""When a circuit breaker opens and closes, and what the end of a call tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.model.errors import StepError

CallOutcome = Literal["succeeded", "failed", "neutral"]
BY_HAND = "by_hand"  # the kind of the error of a breaker that a person has opened

# The resource was never reached: such an error says nothing about it, unless the author counts it by name.
_NOT_THE_RESOURCE = frozenset({"input", "template"})


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """``failure_threshold`` consecutive failures open it; ``isolation_seconds`` later one call at a time is let through, and
    ``success_threshold`` of those that succeed close it.

    ``resource`` is the name of what is called ('' leaves it to the tool), ``per_workflow`` gives each workflow a breaker of its own.
    ``counted`` (None: all) and ``ignored`` are types or kinds of errors.
    """

    failure_threshold: int = 5
    success_threshold: int = 2
    isolation_seconds: float = 30.0
    counted: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()
    resource: str = ""
    per_workflow: bool = False

    def outcome(self, error: StepError | None) -> CallOutcome:
        """What a call that ended so says about its resource. An error that does not count is an answer: the resource is there."""
        if error is None:
            return "succeeded"
        names = {error.type, error.kind}
        if self.counted is not None and names & self.counted and not names & self.ignored:
            return "failed"
        if error.kind in _NOT_THE_RESOURCE:
            return "neutral"
        return "succeeded" if self.counted is not None or names & self.ignored else "failed"


def circuit_open(resource: str, seconds: float) -> StepError:
    """The error of a step whose call was not made. Retryable: the retry policy waits until another attempt makes sense."""
    left = f"for another {seconds:.0f} s" if seconds >= 1 else "until its probe has ended"
    return StepError("circuit_open", f"the circuit breaker of {resource} is open {left}", "CircuitOpen")
