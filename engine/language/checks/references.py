"""Ids: each once, and whatever names a task names one of the same graph."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.definition import Condition, Definition, Join, Operator, Switch
from engine.language.hints import Hints
from engine.language.problems import Problem, join_path
from engine.language.scopes import Entry, Scope


def problems(scope: Scope, hints: Hints) -> Iterator[Problem]:
    """Repeated ids, ids that differ from their key, and references to tasks that are not there."""
    for entry in scope.repeated:
        message = f"the id '{entry.operator.task_id}' stands twice"
        yield Problem(join_path(entry.path, "task_id"), "duplicate_id", message)
    for entry in scope.entries.values():
        if scope.kind != "loop":
            yield from _key_problem(entry)
        yield from _dependency_problems(scope, entry, hints)
        for part, target in _references(entry.operator):
            if target not in scope.entries:
                yield _unknown(scope, join_path(entry.path, *part), target, hints)
            elif target == entry.operator.task_id:
                yield Problem(join_path(entry.path, *part), "self_reference", f"'{target}' names itself")


def start_problems(definition: Definition, hints: Hints) -> Iterator[Problem]:
    """A start task that is not there, or that waits for others."""
    start = definition.start_task
    if start is None:
        return
    task = definition.tasks.get(start)
    if task is None:
        message = f"there is no task '{start}'" + hints.offer(start, definition.tasks)
        yield Problem("$.start_task", "unknown_task", message)
    elif any(dependency in definition.tasks for dependency in task.dependencies):
        message = f"'{start}' waits for {', '.join(task.dependencies[:5])} and so does not start first"
        yield Problem("$.start_task", "start_task_waits", message, "warning")


def _key_problem(entry: Entry) -> Iterator[Problem]:
    key = entry.path.rpartition(".")[2]
    task_id = entry.operator.task_id
    if key != task_id and not entry.path.endswith("]"):
        message = f"task_id is '{task_id}' but it stands under the key '{key}'"
        yield Problem(join_path(entry.path, "task_id"), "id_mismatch", message)


def _dependency_problems(scope: Scope, entry: Entry, hints: Hints) -> Iterator[Problem]:
    for index, dependency in enumerate(entry.operator.dependencies):
        path = join_path(entry.path, "dependencies", index)
        if dependency == entry.operator.task_id:
            yield Problem(path, "self_reference", f"'{dependency}' depends on itself")
        elif dependency not in scope.entries and not scope.is_inside(dependency):
            yield _unknown(scope, path, dependency, hints)


def _references(operator: Operator) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(where in the operator, which task) of everything but dependencies."""
    for handler in ("on_success_task_id", "on_failure_task_id"):
        target = getattr(operator, handler)
        if target is not None:
            yield (handler,), target
    if isinstance(operator, Condition):
        for side in ("if_true", "if_false"):
            target = getattr(operator, side)
            if target is not None:
                yield (side,), target
    elif isinstance(operator, Switch):
        yield from ((("cases", case), target) for case, target in operator.cases.items())
        if operator.default is not None:
            yield ("default",), operator.default
    elif isinstance(operator, Join):
        yield from ((("join_tasks", index), target) for index, target in enumerate(operator.join_tasks))


def _unknown(scope: Scope, path: str, task_id: str, hints: Hints) -> Problem:
    where = {"loop": "in this loop's body", "branch": "in this branch"}.get(scope.kind, "in this workflow")
    message = f"there is no task '{task_id}' {where}" + hints.offer(task_id, scope.entries)
    return Problem(path, "unknown_task", message)
