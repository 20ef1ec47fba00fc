"""Which task belongs to which graph: the workflow's own, a loop's body, a branch.

The builder repeats the tasks of a loop's body beside the loop and in every loop around it. Here each task stands once, in the innermost
loop that holds it, with the path under which its author finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.language.definition import Branch, Definition, ForEach, MultiChoice, Operator, Parallel, While
from engine.language.problems import join_path

ScopeKind = Literal["workflow", "loop", "branch"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A task and where its author wrote it."""

    operator: Operator
    path: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One graph. ``owner`` is the loop or fork it belongs to, ``repeated`` the ids that are defined twice in it."""

    kind: ScopeKind
    path: str
    entries: Mapping[str, Entry]
    owner: str = ""
    name: str = ""
    outer: Scope | None = None
    repeated: tuple[Entry, ...] = ()
    inner: list[Scope] = field(default_factory=list)

    @property
    def operators(self) -> list[Operator]:
        return [entry.operator for entry in self.entries.values()]

    def walk(self) -> Iterator[Scope]:
        """This scope and all inside it, outermost first."""
        pending = [self]
        while pending:
            scope = pending.pop()
            yield scope
            pending.extend(reversed(scope.inner))

    def is_inside(self, task_id: str) -> bool:
        """Whether this is the body of that loop, or of one beside it, up to the branch or workflow that holds it all."""
        scope = self
        while scope.kind == "loop" and scope.outer is not None:
            scope = scope.outer
            if task_id in scope.entries:
                return True
        return False


def scope_of(definition: Definition) -> Scope:
    """The workflow's scope with all inner ones."""
    keyed = [(key, Entry(task, join_path("$.tasks", key))) for key, task in definition.tasks.items()]
    return _build("workflow", "$", [entry for _, entry in keyed])


def _build(
    kind: ScopeKind, path: str, written: list[Entry], *, owner: str = "", name: str = "", outer: Scope | None = None
) -> Scope:
    inside_loops = _ids_inside_loops(entry.operator for entry in written)
    entries: dict[str, Entry] = {}
    repeated: list[Entry] = []
    for entry in written:
        task_id = entry.operator.task_id
        if entry.operator.is_internal_loop_task and task_id in inside_loops:
            continue
        if task_id in entries:
            repeated.append(entry)
        else:
            entries[task_id] = entry
    scope = Scope(kind, path, entries, owner, name, outer, tuple(repeated))
    for entry in entries.values():
        scope.inner.extend(_inner_scopes(entry, scope))
    return scope


def _inner_scopes(entry: Entry, outer: Scope) -> Iterator[Scope]:
    operator = entry.operator
    if isinstance(operator, (ForEach, While)):
        path = join_path(entry.path, "loop_body")
        written = [Entry(task, join_path(path, index)) for index, task in enumerate(operator.loop_body)]
        yield _build("loop", path, written, owner=operator.task_id, outer=outer)
    elif isinstance(operator, (Parallel, MultiChoice)):
        for name, branch in operator.branch_workflows.items():
            path = join_path(entry.path, "branch_workflows", name)
            yield _build("branch", path, _branch_entries(branch, path), owner=operator.task_id, name=name, outer=outer)


def _branch_entries(branch: Branch, path: str) -> list[Entry]:
    return [Entry(task, join_path(path, "tasks", key)) for key, task in branch.tasks.items()]


def _ids_inside_loops(operators: Iterator[Operator]) -> set[str]:
    ids: set[str] = set()
    pending = [operator for operator in operators if isinstance(operator, (ForEach, While))]
    while pending:
        body = pending.pop().loop_body
        ids.update(task.task_id for task in body)
        pending.extend(task for task in body if isinstance(task, (ForEach, While)))
    return ids
