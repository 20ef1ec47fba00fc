"""What every operator is made of: a compiled `Operator` (one per place in a definition) and its running `Step` (one per execution of it).

An operator is pure. It is told its place (`At`), begins, hears facts, and answers each time with one `Effect`; the interpreter turns
effects into commands, checkpoints and the progress of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from engine.kit.values import value
from engine.language.definition import RetryPolicy
from engine.language.expressions import Names
from engine.model.commands import Command
from engine.model.errors import StepError
from engine.model.facts import Fact, Recorded, TaskInfo, Waiting
from engine.model.json import Json, JsonObject


@value(frozen=True, slots=True)
class Site:
    """Where an operator stands in the definition, known when it is compiled.

    ``path`` leads to it from the root program. ``branch_roots`` are the names that the templates inside each of its branches use,
    ``branch_variables`` the variables that each branch defines for itself, ``body_roots`` those names of a loop's body.
    """

    path: tuple[str, ...] = ()
    default_retry: RetryPolicy | None = None
    branch_roots: Mapping[str, frozenset[str]] = field(default_factory=dict)
    branch_variables: Mapping[str, JsonObject] = field(default_factory=dict)
    body_roots: frozenset[str] = frozenset()


class Outcome(NamedTuple):
    """How a task of the graph stands: succeeded, failed, skipped, or open."""

    state: str
    result: Json = None


class VisibleNames(Names, Protocol):
    """The names at a step's place; `closure` is what a fork hands to its branches."""

    def closure(self, wanted: frozenset[str]) -> JsonObject:
        """Values of those of ``wanted`` that come from results, loops or the fork's own context."""


@dataclass(slots=True)
class At:
    """A step's place in a running task.

    ``emit`` adds a command before those of the next effect; ``note_ended`` tells which forked tasks the step knows to be final.
    ``noted`` is what the code of this very step had done by the claim, by name.
    """

    key: str
    task_id: str
    info: TaskInfo
    names: VisibleNames
    variables: JsonObject
    emit: Callable[[Command], None]
    recorded: Mapping[str, Recorded]
    noted: Mapping[str, Recorded]
    outcomes: Callable[[], Mapping[str, Outcome]]
    note_ended: Callable[[Iterable[str]], None]

    @property
    def qualified_key(self) -> str:
        """The step's identity inside the whole run: tasks that it forks are named after it."""
        return f"{self.info.scope}/{self.key}" if self.info.scope else self.key


@value(frozen=True, slots=True)
class Done:
    """The step succeeded. ``then`` are commands that commit with its checkpoint; ``gate``: go on only when that is durable.

    ``committed`` says that the checkpoint exists already (a transactional tool made it). ``undo`` is the call that undoes the step.
    """

    result: Json = None
    gate: bool = False
    variables: JsonObject = field(default_factory=dict)
    then: tuple[Command, ...] = ()
    input: Json = None
    attempt: int = 1
    committed: bool = False
    undo: JsonObject | None = None


@value(frozen=True, slots=True)
class Failed:
    """The step failed for good. ``cause`` is the key of the step inside it that is to blame, when there is one."""

    error: StepError
    gate: bool = False
    input: Json = None
    attempt: int = 1
    cause: str = ""


@value(frozen=True, slots=True)
class GivenUp:
    """The step was only waiting and the run cannot succeed any more: it ends as skipped."""


@value(frozen=True, slots=True)
class Asked:
    """The step is open until a fact comes in."""

    commands: tuple[Command, ...] = ()


@value(frozen=True, slots=True)
class Round:
    """One iteration of a loop's body, with the names it adds."""

    index: int
    names: JsonObject


@value(frozen=True, slots=True)
class Rounds:
    """Run the loop's body for these rounds, at the same time; none means that rounds already under way are awaited.

    ``meanwhile`` is what the loop itself asks for beside them.
    """

    rounds: tuple[Round, ...] = ()
    meanwhile: Asked | None = None


@value(frozen=True, slots=True)
class RoundEnd:
    """How a round ended. ``result`` is that of the body's last task."""

    index: int
    result: Json = None
    error: StepError | None = None
    cause: str = ""


@value(frozen=True, slots=True)
class Ended:
    """The workflow's author ends the task here; ``continue_with`` are the inputs of the run that follows it, if one does."""

    status: str
    result: JsonObject
    reason: str
    continue_with: JsonObject | None = None


Effect = Done | Failed | GivenUp | Asked | Rounds | Ended


class Step:
    """A running step. Subclasses answer; what an operator never hears it does not override."""

    __slots__ = ("at",)

    def __init__(self, at: At) -> None:
        self.at = at

    def begin(self) -> Effect:
        """Start from nothing."""
        raise NotImplementedError

    def resume(self, waiting: Waiting) -> Effect:  # noqa: ARG002 - for those who wait
        """Take up a wait that was begun before this task was claimed again. Asks for nothing twice."""
        return Asked()

    def settle(self, fact: Fact) -> Effect:
        """A fact about this step came in."""
        raise TypeError(f"{type(self).__name__} {self.at.key} asked for nothing and cannot take {type(fact).__name__}")

    def round_over(self, end: RoundEnd) -> Effect:
        """A round that this loop asked for has ended."""
        raise TypeError(f"{type(self).__name__} {self.at.key} has no rounds, got the end of round {end.index}")

    def give_up(self) -> Effect | None:
        """End early because the run is failing; None if work is under way that must be awaited."""
        return None


LockChange = Literal["taken", "let_go"]


class Operator(Protocol):
    """A compiled operator. ``roots`` are the names its own templates use.

    ``shares_rounds``: its rounds leave their names behind. ``forks_rounds``: they are branches, with steps in scopes of their own.
    """

    @property
    def roots(self) -> frozenset[str]: ...

    @property
    def shares_rounds(self) -> bool: ...

    @property
    def forks_rounds(self) -> bool: ...

    def step(self, at: At) -> Step:
        """A new running step at this place."""

    def forked(self, result: Json) -> tuple[str, ...]:
        """Keys of the tasks that a step with this result has started and not awaited."""

    def chosen(self, result: Json) -> str | None:
        """For operators that choose: the task that a step with this result lets run."""

    def lock_change(self, result: Json) -> tuple[LockChange, str] | None:
        """What a step with this result has done to which lock."""


class PlainOperator:
    """Defaults for operators that neither fork nor choose nor repeat."""

    __slots__ = ()

    @property
    def shares_rounds(self) -> bool:
        return False

    @property
    def forks_rounds(self) -> bool:
        return False

    def forked(self, result: Json) -> tuple[str, ...]:  # noqa: ARG002 - for forks
        return ()

    def chosen(self, result: Json) -> str | None:  # noqa: ARG002 - for choices
        return None

    def lock_change(self, result: Json) -> tuple[LockChange, str] | None:  # noqa: ARG002 - for calls
        return None
