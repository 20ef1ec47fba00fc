"""How a tool says that it did not succeed."""

from __future__ import annotations

from engine.model.errors import ErrorKind, StepError
from engine.model.json import JsonObject


class ToolError(Exception):
    """The attempt failed. ``type`` is a name for machines, ``data`` what was learnt before it failed; the retry policy decides what follows.

    ``retry_after_seconds``: the next attempt, if there is one, begins no earlier.
    """

    kind: ErrorKind = "tool"

    def __init__(
        self,
        message: str,
        *,
        type: str = "ToolError",  # noqa: A002 - the word of StepError
        retryable: bool = True,
        data: JsonObject | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.retryable = retryable
        self.data: JsonObject = data or {}
        self.retry_after_seconds = retry_after_seconds

    def step_error(self) -> StepError:
        """The stored form of this failure."""
        return StepError(self.kind, self.message, self.type, self.retryable, self.retry_after_seconds)


class ToolInputError(ToolError):
    """The arguments are wrong, and would be wrong again."""

    kind: ErrorKind = "input"

    def __init__(self, message: str) -> None:
        super().__init__(message, type="ToolInputError", retryable=False)


class ToolTimeout(ToolError):  # noqa: N818 - an outcome, as ToolCancelled
    """The attempt used up its time. Counts as a failure, so the retry policy applies."""

    kind: ErrorKind = "timeout"

    def __init__(self, message: str, *, data: JsonObject | None = None) -> None:
        super().__init__(message, type="ToolTimeout", data=data)


class ToolCancelled(ToolError):  # noqa: N818
    """The attempt ended because nobody wants its result any more."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message, type="ToolCancelled", retryable=False)
