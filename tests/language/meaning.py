"""What a plan means, worked out from what its author wrote and from nothing that reads definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.language.plans import CHOICES, FORKS, LOOPS, Item

Edge = tuple[str, str, str]


@dataclass
class Graph:
    """One graph: its tasks in the author's order, those of sides of conditions included, and (before, after, kind) of each edge."""

    kind: str = "workflow"
    owner: str = ""
    name: str = ""
    tasks: list[str] = field(default_factory=list)
    edges: set[Edge] = field(default_factory=set)
    sides: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # condition -> its side -> the tasks in it

    def chained(self, first: str, tasks: list[str]) -> set[str]:
        """Those of the tasks that come after the first of them, and that one."""
        reached = {first}
        for _ in tasks:
            reached |= {after for before, after, _ in self.edges if before in reached and after in tasks}
        return reached


def graphs(plan: list[Item], kind: str = "workflow", owner: str = "", name: str = "") -> Iterator[Graph]:
    """The graph of a plan, then those inside of it."""
    graph = Graph(kind, owner, name)
    inner = list(_Reader(graph).read(plan))
    yield graph
    for item, label, items in inner:
        yield from graphs(
            items, "loop" if item.kind in LOOPS else "branch", item.id, "" if item.kind in LOOPS else label
        )


class _Reader:
    """Follows the author's hand through one builder; the sides of conditions are builders of their own in the same graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._choosers: dict[str, set[str]] = {}  # target -> the choices that name it
        self._handled: dict[str, set[tuple[str, str]]] = {}  # handler -> (owner, how it ends)
        self._choices: set[str] = set()

    def read(self, items: list[Item]) -> Iterator[tuple[Item, str, list[Item]]]:
        """Fills the graph; yields the plans of other graphs inside of it."""
        current: str | None = None
        for item in items:
            self._note(item, current)
            self._graph.tasks.append(item.id)
            current = item.id
            if item.kind == "condition":
                yield from self._sides(item)
            elif item.kind in LOOPS | FORKS:
                yield from ((item, label, inner) for label, inner in item.inner.items())
            if item.kind == "parallel_with_join":
                current = f"{item.id}_join"
                self._graph.tasks.append(current)
                self._graph.edges.add((item.id, current, "PLAIN"))

    def _sides(self, item: Item) -> Iterator[tuple[Item, str, list[Item]]]:
        sides: dict[str, list[str]] = {}
        for side, inner in item.inner.items():
            self._graph.edges.add((item.id, inner[0].id, "GATE"))
            before = len(self._graph.tasks)
            yield from self.read(inner)
            sides[side] = self._graph.tasks[before:]
            # The builder has but one way to write that a task depends on nothing in its side: as one that waits for the condition.
            loose = set(sides[side]) - self._graph.chained(inner[0].id, sides[side])
            self._graph.edges |= {(item.id, task, "AFTER") for task in loose}
        self._graph.sides[item.id] = sides

    def _note(self, item: Item, current: str | None) -> None:
        owners = self._handled.get(item.id, set())
        depends = item.after if item.after is not None else [current] if current and not owners else []
        joined = set(item.options.get("join_tasks", ()))
        edges = self._graph.edges
        edges |= {(name, item.id, "JOINED") for name in joined}
        edges |= {(owner, item.id, f"HANDLER {how}") for owner, how in owners}
        edges |= {(choice, item.id, "GATE") for choice in self._choosers.get(item.id, ())}
        for before in {*depends} - joined - {owner for owner, _ in owners}:
            if not self._together(before, item.id):
                edges.add((before, item.id, "AFTER" if before in self._choices else "PLAIN"))
        if item.kind in CHOICES:
            self._choices.add(item.id)
        for target in {*item.options.get("cases", {}).values()}:
            self._choosers.setdefault(target, set()).add(item.id)
        for handler, how in (("on_success", "succeeded"), ("on_failure", "failed")):
            if handler in item.settings:
                self._handled.setdefault(item.settings[handler], set()).add((item.id, how))

    def _together(self, before: str, after: str) -> bool:
        """The one chooses the other, or both are targets of one choice."""
        choosers = self._choosers.get(after, set())
        return before in choosers or bool(choosers & self._choosers.get(before, set()))
