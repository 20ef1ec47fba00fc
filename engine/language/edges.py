"""What the dependencies an author wrote mean: choices, handlers and joins change it. The interpreter and the checks read the same answer.

- An edge between two targets of one choice is dropped; a target is gated by the choice whether it lists it or not.
- A task inside a side of a choice does not depend on the choice itself (the builder lists it everywhere): its side's first task does.
- A task that depends on a choice and stands in none of its sides waits for the end of the side that was chosen (AFTER).
- A handler depends on its owner by HANDLER, a join on the tasks it names by JOINED; plain dependencies on those are dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain

from engine.language.definition import Condition, Join, Operator, Switch

MAX_WORK = 500_000


class TooComplexError(ValueError):
    """The graph has so many choices around so many tasks that working out their sides would take too long."""


class EdgeKind(IntEnum):
    """What the end of one task means to another.

    PLAIN: a dependency. GATE: the source chooses whether the target may run. AFTER: the target waits for the side that the source chose.
    HANDLER: the target runs only if the source ended as it handles. JOINED: the target is a join that names the source.
    """

    PLAIN = 0
    GATE = 1
    AFTER = 2
    HANDLER = 3
    JOINED = 4


@dataclass(frozen=True, slots=True)
class Edge:
    """From one task to another, by their places in the graph. ``handles`` is "succeeded" or "failed" on HANDLER edges."""

    source: int
    target: int
    kind: EdgeKind
    handles: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """What may run when ``choice`` chooses ``target``: ``reached`` from it, of which the ``members`` end before those who wait for the side."""

    choice: int
    target: int
    reached: frozenset[int]
    members: tuple[int, ...]


@dataclass(slots=True)
class Edges:
    """The edges of one graph, and the sides of its choices."""

    edges: list[Edge] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)


def choice_targets(operator: Operator) -> list[str]:
    """The tasks that a condition or switch chooses from, each once."""
    named: Iterable[str | None] = ()
    if isinstance(operator, Condition):
        named = (operator.if_true, operator.if_false)
    elif isinstance(operator, Switch):
        named = (*operator.cases.values(), operator.default)
    return list(dict.fromkeys(target for target in named if target is not None))


def resolve_edges(operators: Sequence[Operator]) -> Edges:
    """The edges between these tasks. Ids that are none of theirs are left out. Raises TooComplexError."""
    return _Resolver(operators).resolve()


class _Resolver:
    """One use. ``dependencies`` shrink as their meaning is found; what is left at the end is PLAIN."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._operators = operators
        self._index = {operator.task_id: position for position, operator in enumerate(operators)}
        self._dependencies = [dict.fromkeys(self._known(operator.dependencies)) for operator in operators]
        self._targets = [self._known(choice_targets(operator)) for operator in operators]
        self._successors: list[list[int]] = []
        self._before: list[list[int]] = []
        self._found = Edges()
        self._work = 0

    def resolve(self) -> Edges:
        self._handlers()
        self._joins()
        self._choices()
        for target, sources in enumerate(self._dependencies):
            self._found.edges.extend(Edge(source, target, EdgeKind.PLAIN) for source in sources)
        return self._found

    def _known(self, ids: Iterable[str]) -> list[int]:
        return [self._index[task_id] for task_id in dict.fromkeys(ids) if task_id in self._index]

    def _drop(self, source: int, target: int) -> None:
        self._dependencies[target].pop(source, None)

    def _handlers(self) -> None:
        for owner, operator in enumerate(self._operators):
            named = (("succeeded", operator.on_success_task_id), ("failed", operator.on_failure_task_id))
            for handles, handler_id in named:
                handler = self._index.get(handler_id or "")
                if handler is not None:
                    self._drop(owner, handler)
                    self._found.edges.append(Edge(owner, handler, EdgeKind.HANDLER, handles))

    def _joins(self) -> None:
        for join, operator in enumerate(self._operators):
            if isinstance(operator, Join):
                for named in self._known(operator.join_tasks):
                    self._drop(named, join)
                    self._found.edges.append(Edge(named, join, EdgeKind.JOINED))

    def _choices(self) -> None:
        choices = [index for index, each in enumerate(self._operators) if isinstance(each, (Condition, Switch))]
        if not choices:
            return
        for choice in choices:
            exclusive = {choice, *self._targets[choice]}
            for target in self._targets[choice]:
                for other in exclusive & self._dependencies[target].keys():
                    self._drop(other, target)
        self._successors = self._all_successors()
        self._before = _reversed(self._successors)
        dependents: list[list[int]] = [[] for _ in self._operators]
        for target, sources in enumerate(self._dependencies):
            for source in sources:
                dependents[source].append(target)
        for choice in choices:
            self._choice(choice, dependents[choice])

    def _all_successors(self) -> list[list[int]]:
        """Where the graph goes on from each task: dependents, handlers, joins and chosen targets."""
        successors: list[list[int]] = [list(targets) for targets in self._targets]
        for edge in self._found.edges:
            successors[edge.source].append(edge.target)
        for target, sources in enumerate(self._dependencies):
            for source in sources:
                successors[source].append(target)
        return successors

    def _choice(self, choice: int, dependents: list[int]) -> None:
        targets = self._targets[choice]
        barred = {choice, *targets}
        reach = {target: self._reach([target], self._successors, barred) for target in targets}
        inside = Counter(chain.from_iterable(reach.values()))
        waiters = [task for task in dependents if task not in inside]
        self._found.edges.extend(Edge(choice, target, EdgeKind.GATE) for target in targets)
        self._found.edges.extend(Edge(choice, waiter, EdgeKind.AFTER) for waiter in waiters)
        for dependent in dependents:
            self._drop(choice, dependent)
        outside = self._behind(waiters, inside, choice)
        for target, reached in reach.items():
            own = frozenset(task for task in reached if inside[task] == 1)
            members = tuple(sorted(own - outside)) if waiters else ()
            self._found.sides.append(Side(choice, target, own, members))

    def _behind(self, waiters: list[int], inside: Iterable[int], choice: int) -> set[int]:
        """What comes after the waiters, as far as it can lead inside: the rest of the graph, which may be long, is not walked."""
        leading = self._reach(inside, self._before, {choice})
        begin = [waiter for waiter in waiters if waiter in leading]
        return self._reach(begin, self._successors, {choice}) & leading if begin else set()

    def _reach(self, start: Iterable[int], following: list[list[int]], barred: set[int]) -> set[int]:
        found = set(start)
        pending = list(found)
        while pending:
            for task in following[pending.pop()]:
                self._work += 1
                if task not in found and task not in barred:
                    found.add(task)
                    pending.append(task)
            if self._work > MAX_WORK:
                raise TooComplexError("too many conditions and switches around too many tasks")
        return found


def _reversed(successors: list[list[int]]) -> list[list[int]]:
    before: list[list[int]] = [[] for _ in successors]
    for source, targets in enumerate(successors):
        for target in targets:
            before[target].append(source)
    return before
