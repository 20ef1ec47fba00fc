"""What durable code has done inside its step: each note is a checkpoint of its own, and what is noted is never done again."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.errors import StepError
from engine.model.json import Json, JsonObject
from engine.model.requests import RunChild


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was done. ``name`` is its identity inside the step for ever; with ``error`` it failed, which counts for this attempt only.

    ``method`` is what the code called, so that code that has changed meanwhile is found out. ``variables``, ``events`` (name, payload),
    ``replies`` (update id, result), ``child`` and ``lets_go`` (the note by which a lock was taken, the lock) take effect in the same commit as
    the note itself. ``committed`` says that its checkpoint exists already.
    """

    method: str
    name: str
    result: Json = None
    error: StepError | None = None
    seconds: float = 0.0
    variables: JsonObject = field(default_factory=dict)
    events: tuple[tuple[str, Json], ...] = ()
    replies: tuple[tuple[str, Json], ...] = ()
    child: RunChild | None = None
    lets_go: tuple[str, str] | None = None
    committed: bool = False

    @property
    def operator(self) -> str:
        """Under which operator its checkpoint is stored."""
        return f"code.{self.method}"


# Who held a lock in one attempt does not hold it in the next: these count for their attempt only, also when they succeeded.
OF_ONE_ATTEMPT = frozenset({"code.lock", "code.unlock"})


def child_key(qualified_step: str, name: str) -> str:
    """The key of a child run that the code of a step started: the same for ever."""
    return f"{qualified_step}.{name}.child"
