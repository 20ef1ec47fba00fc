"""Positions in Python source of a definition: found by the names that it gives things, since the source is never run or parsed here."""

from __future__ import annotations

import re

from workflows.positions.paths import Path, Position

# The builder's call that says something of the workflow as a whole.
_TOLD_BY = {
    "name": "WorkflowBuilder",
    "version": "WorkflowBuilder",
    "deadline_seconds": "WorkflowBuilder",
    "schedule": "set_schedule",
    "start_date": "set_start_date",
    "catchup": "set_catchup",
    "tags": "add_tags",
    "variables": "set_variables",
    "max_active_runs": "set_max_active_runs",
    "default_retry_policy": "set_default_retry_policy",
}
_MAKERS = (
    *("task", "activity", "reflexive", "condition", "switch", "wait", "parallel", "parallel_with_join", "multi_choice"),
    *(
        "join",
        "foreach",
        "while_loop",
        "emit_event",
        "wait_for_event",
        "child_workflow",
        "child_workflows",
        "terminate",
    ),
)
_MADE = rf"\.(?:{'|'.join(_MAKERS)})\(\s*(?:task_id\s*=\s*)?"


def python_position(source: str, path: Path) -> Position | None:
    """Where the innermost task of the path is made, or its argument that the path goes through; or the call that says the workflow's own field."""
    for at in range(len(path) - 1, 0, -1):
        name = path[at]
        if path[at - 1] == "tasks" and isinstance(name, str):
            found = _task(source, name, path[at + 1 :])
            if found is not None:
                return found
    return _call(source, _TOLD_BY.get(str(path[0]), "")) if path else None


def _task(source: str, name: str, field: Path) -> Position | None:
    quoted = rf"[\"']{re.escape(name)}[\"']"
    made = re.search(rf"{_MADE}({quoted})", source)
    if made is None:
        named = re.search(quoted, source)
        return _at(source, named.start() + 1) if named else None
    following = re.compile(_MADE).search(source, made.end())
    end = following.start() if following else len(source)
    argument = _argument(source, field, made.end(), end)
    return _at(source, made.start(1) + 1 if argument is None else argument)


def _argument(source: str, field: Path, start: int, end: int) -> int | None:
    """Where the innermost part of a field is given by name in the text of a task's call."""
    for part in reversed(field):
        if isinstance(part, str):
            given = re.compile(rf"\b{re.escape(part)}\s*=(?!=)").search(source, start, end)
            if given:
                return given.start()
    return None


def _call(source: str, function: str) -> Position | None:
    made = re.search(rf"\b{function}\(", source) if function else None
    return _at(source, made.start()) if made else None


def _at(source: str, offset: int) -> Position:
    return Position(source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset))
