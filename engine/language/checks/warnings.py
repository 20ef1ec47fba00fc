"""What is allowed and seldom meant: results that nobody reads, keys that overwrite each other, loops that do not change."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.checks.names import produced_names, set_names
from engine.language.checks.sources import sources
from engine.language.definition import Activity, MultiChoice, Operator, Parallel, Reflexive, While
from engine.language.edges import TooComplexError, resolve_edges
from engine.language.expressions import ExpressionSyntaxError, compile_value, parse_condition
from engine.language.problems import Problem, join_path
from engine.language.scopes import Entry, Scope


def problems(scope: Scope) -> Iterator[Problem]:
    """The warnings of one scope."""
    used = used_names(scope)
    for entry in scope.entries.values():
        yield from _nobody_waits(entry, used)
        if isinstance(entry.operator, While):
            yield from _never_changes(scope, entry, entry.operator)
    yield from _written_twice(scope)


def _nobody_waits(entry: Entry, used: frozenset[str]) -> Iterator[Problem]:
    operator = entry.operator
    names = {operator.task_id, operator.result_key}
    if not names.isdisjoint(used):
        return
    if isinstance(operator, (Parallel, MultiChoice)):
        message = "nobody waits for these branches: the run waits for them only at its end"
        yield Problem(entry.path, "fork_not_awaited", message, "warning")
    elif isinstance(operator, (Activity, Reflexive)):
        message = "nobody waits for this activity: the run waits for it only at its end"
        yield Problem(entry.path, "activity_not_awaited", message, "warning")


def used_names(scope: Scope) -> frozenset[str]:
    """Every name that an expression in this scope or inside it uses."""
    found: set[str] = set()
    for each in scope.walk():
        for entry in each.entries.values():
            for source in sources(entry.operator, entry.path):
                try:
                    if source.kind == "condition" and isinstance(source.value, str):
                        found |= parse_condition(source.value).roots
                    else:
                        found |= compile_value(source.value).roots
                except ExpressionSyntaxError:
                    continue  # it has a problem of its own
    return frozenset(found)


def _never_changes(scope: Scope, entry: Entry, loop: While) -> Iterator[Problem]:
    body = next((inner for inner in scope.inner if inner.owner == loop.task_id), None)
    try:
        roots = parse_condition(loop.condition).roots
    except ExpressionSyntaxError:
        return
    if body is None:
        return
    changed = set(produced_names(body)) | {"loop"}
    for inner in body.walk():
        for operator in inner.operators:
            names, others = set_names(operator)
            if others:
                return
            changed |= names
    if roots.isdisjoint(changed):
        message = "nothing in the loop changes what its condition reads: it runs never or to its limit"
        yield Problem(join_path(entry.path, "condition"), "constant_condition", message, "warning")


def _written_twice(scope: Scope) -> Iterator[Problem]:
    writers: dict[str, list[Operator]] = {}
    for operator in scope.operators:
        if operator.result_key is not None:
            writers.setdefault(operator.result_key, []).append(operator)
    repeated = {key: tasks for key, tasks in writers.items() if len(tasks) > 1}
    if not repeated:
        return
    sides = _sides(scope)
    for key, tasks in repeated.items():
        first = tasks[0].task_id
        for task in tasks[1:]:
            if not _exclude_each_other(sides.get(first, {}), sides.get(task.task_id, {})):
                path = join_path(scope.entries[task.task_id].path, "result_key")
                yield Problem(path, "result_key_reused", f"'{first}' also writes '{key}'", "warning")


def _sides(scope: Scope) -> dict[str, dict[int, int]]:
    """For each task that stands in sides of choices: the choices, and the target with which its side begins."""
    operators = scope.operators
    found: dict[str, dict[int, int]] = {}
    try:
        sides = resolve_edges(operators).sides
    except TooComplexError:
        return {}
    for side in sides:
        for index in side.reached:
            found.setdefault(operators[index].task_id, {})[side.choice] = side.target
    return found


def _exclude_each_other(one: dict[int, int], other: dict[int, int]) -> bool:
    """Whether some choice runs either the one or the other."""
    return any(other.get(choice, target) != target for choice, target in one.items())
