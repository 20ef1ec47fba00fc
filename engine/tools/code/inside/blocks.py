"""Runs in the sandbox, in front of `durable`: what the context raises, and the blocks that it opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class StepFailed(Exception):  # noqa: N818 - an outcome, for authors to catch
    """Something that was asked of the context failed: ``type`` and ``message`` say what. The same when the code runs again."""

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 - the word of the engine's errors
        super().__init__(message)
        self.type, self.message = type, message


class Compensated(Exception):  # noqa: N818
    """A saga was undone, because of ``cause``. Trying again makes no sense: the step fails for good."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"undone after: {cause}")


class VariableConflict(BaseException):
    """A variable has been set since it was read. Caught by its name only: whoever catches all `Exception`s shall not lose an update by it.

    Read the variable again and set it anew; trying the whole step again would repeat what it made of the old value, so it fails for good.
    """

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(message)
        self.variable = variable


class Saga:
    """Steps that are undone, the last one first, when the block is left by an exception. Each step is undone exactly once."""

    def __init__(self, context: Any, name: str) -> None:
        self._context, self._name = context, name
        self._undos: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = []

    def __enter__(self) -> Saga:
        return self

    def step(self, name: str, do: Callable[..., Any], *args: Any, undo: Callable[..., Any]) -> Any:
        """Do something durably. ``undo`` gets its result, and is called when a later step fails."""
        result = self._context.step(name, do, *args)
        self._undos.append((name, undo, (result,)))
        return result

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception | VariableConflict):
            return
        while self._undos:
            name, undo, args = self._undos.pop()
            self._context.step(f"{self._name} undo {name}", undo, *args)
        raise Compensated(str(error)) from error


class Transaction:
    """Changes that become durable together with their note: all of them, or none. Results are known at the end of the block."""

    def __init__(self, context: Any, name: str) -> None:
        self._context, self._name = context, name
        self._wanted: list[dict[str, Any]] = []
        self.results: list[Any] = []

    def counter_add(self, name: str, delta: int = 1) -> None:
        """Add to a counter of this tenant; the result is its new value."""
        self._wanted.append({"change": "counter_add", "name": name, "value": delta})

    def counter_reset(self, name: str, value: int = 0) -> None:
        """Set a counter of this tenant; the result is what it was."""
        self._wanted.append({"change": "counter_reset", "name": name, "value": value})

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self.results = self._context._ask("transaction", self._name, changes=self._wanted)


class Lock:
    """The tenant's lock of that name, held while the block lasts, also over its waits. ``fencing`` grows with each holder."""

    def __init__(self, context: Any, name: str, lock: str, timeout: float | None) -> None:
        self._context, self._name, self._lock, self._timeout = context, name, lock, timeout
        self.fencing = 0

    def __enter__(self) -> Lock:
        self.fencing = self._context._ask("lock", self._name, lock=self._lock, timeout=self._timeout)["fencing"]
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._context._ask("unlock", f"un{self._name}", lock=self._lock, taken=self._name)
