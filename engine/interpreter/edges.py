"""Turns the dependencies an author wrote into the edges of the rules: choices, handlers and joins change what a dependency means.

- An edge between two targets of one choice is dropped; a target is gated by the choice whether it lists it or not.
- A task inside a side of a choice does not depend on the choice itself (the builder lists it everywhere): its side's first task does.
- A task that depends on a choice and stands in none of its sides waits for the end of the side that was chosen (AFTER).
- A handler depends on its owner by HANDLER, a join on the tasks it names by JOINED; plain dependencies on those are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.interpreter.graph import Edge, EdgeKind, Node
from engine.language.definition import Condition, Join, Operator, Switch
from engine.operators.join import ABSORBING

MAX_WORK = 20_000_000


class TooComplexError(ValueError):
    """The graph has so many choices around so many tasks that working out their sides would take too long."""


def choice_targets(operator: Operator) -> list[str]:
    """The tasks that a condition or switch chooses from, each once."""
    if isinstance(operator, Condition):
        named: Iterable[str | None] = (operator.if_true, operator.if_false)
    elif isinstance(operator, Switch):
        named = (*operator.cases.values(), operator.default)
    else:
        named = ()
    return list(dict.fromkeys(target for target in named if target is not None))


class EdgeBuilder:
    """One use: `build` fills the edges of ``nodes``, which stand in the order of ``operators``."""

    def __init__(self, operators: Sequence[Operator], nodes: Sequence[Node]) -> None:
        self._operators = operators
        self._nodes = nodes
        self._index = {operator.task_id: position for position, operator in enumerate(operators)}
        self._dependencies = [self._known(operator.dependencies) for operator in operators]
        self._targets = [self._known(choice_targets(operator)) for operator in operators]
        self._work = 0

    def build(self) -> None:
        self._connect_handlers()
        self._connect_joins()
        self._connect_choices()
        for target, sources in enumerate(self._dependencies):
            for source in sources:
                self._add_plain(source, target, EdgeKind.PLAIN)

    def _known(self, ids: Iterable[str]) -> list[int]:
        return [self._index[task_id] for task_id in dict.fromkeys(ids) if task_id in self._index]

    def _add_plain(self, source: int, target: int, kind: EdgeKind) -> None:
        self._nodes[source].out.append(Edge(kind, target))
        self._nodes[target].plain += 1
        if self._nodes[source].owners:
            self._nodes[target].handlers.append(source)

    def _drop(self, source: int, target: int) -> None:
        if source in self._dependencies[target]:
            self._dependencies[target].remove(source)

    def _connect_handlers(self) -> None:
        for owner, operator in enumerate(self._operators):
            for handles, handler_id in (
                ("succeeded", operator.on_success_task_id),
                ("failed", operator.on_failure_task_id),
            ):
                if handler_id is None or handler_id not in self._index:
                    continue
                handler = self._index[handler_id]
                self._drop(owner, handler)
                self._nodes[owner].out.append(Edge(EdgeKind.HANDLER, handler, handles))
                self._nodes[handler].owners.append(owner)
                if handles == "failed":
                    self._nodes[owner].failure_handler = handler

    def _connect_joins(self) -> None:
        for join, operator in enumerate(self._operators):
            if not isinstance(operator, Join):
                continue
            self._nodes[join].join_mode = operator.join_mode
            for named in self._known(operator.join_tasks):
                self._drop(named, join)
                self._nodes[named].out.append(Edge(EdgeKind.JOINED, join))
                self._nodes[join].joined.append(named)
                if operator.join_mode in ABSORBING:
                    self._nodes[named].absorbing_joins.append(join)

    def _connect_choices(self) -> None:
        choices = [index for index, targets in enumerate(self._targets) if targets]
        for choice in choices:
            for target in self._targets[choice]:
                for other in (*self._targets[choice], choice):
                    self._drop(other, target)
        if not any(operator.operator_type in {"condition", "switch"} for operator in self._operators):
            return
        successors = self._successors()
        dependents: list[list[int]] = [[] for _ in self._nodes]
        for target, sources in enumerate(self._dependencies):
            for source in sources:
                dependents[source].append(target)
        for index, node in enumerate(self._nodes):
            if node.is_choice:
                self._connect_choice(index, successors, dependents[index])

    def _successors(self) -> list[list[int]]:
        """Where the graph goes on from each node: dependents, handlers, joins and chosen targets."""
        successors: list[list[int]] = [[edge.target for edge in node.out] for node in self._nodes]
        for target, sources in enumerate(self._dependencies):
            for source in sources:
                successors[source].append(target)
        for choice, targets in enumerate(self._targets):
            successors[choice].extend(targets)
        return successors

    def _connect_choice(self, choice: int, successors: list[list[int]], dependents: list[int]) -> None:
        targets = self._targets[choice]
        reach = {target: self._reach([target], successors, {choice, *targets} - {target}) for target in targets}
        inside = set().union(*reach.values()) if reach else set()
        waiters = [task for task in dependents if task not in inside]
        for target in targets:
            self._nodes[choice].out.append(Edge(EdgeKind.GATE, target))
            self._nodes[target].gates += 1
        for dependent in dependents:
            self._drop(choice, dependent)
        for waiter in waiters:
            self._add_plain(choice, waiter, EdgeKind.AFTER)
        if waiters:
            outside = self._reach(waiters, successors, {choice})
            self._note_members(choice, reach, outside)

    def _note_members(self, choice: int, reach: dict[int, set[int]], outside: set[int]) -> None:
        for target, reached in reach.items():
            others = set().union(*(found for other, found in reach.items() if other != target))
            members = reached - others - outside
            self._nodes[choice].members[target] = sorted(members)
            for member in members:
                self._nodes[member].sides.append((choice, target))

    def _reach(self, start: list[int], successors: list[list[int]], barred: set[int]) -> set[int]:
        found = set(start)
        pending = list(start)
        while pending:
            for following in successors[pending.pop()]:
                self._work += 1
                if following not in found and following not in barred:
                    found.add(following)
                    pending.append(following)
        if self._work > MAX_WORK:
            raise TooComplexError("too many conditions and switches around too many tasks")
        return found
