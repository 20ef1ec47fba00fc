"""Positions in Python source of a definition: found by the names that it gives things, since the source is never run or parsed here."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

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
_MADE = re.compile(rf"\.(?:{'|'.join(_MAKERS)})\(\s*(?:task_id\s*=\s*)?([\"'])([\w-]+)\1")
_GIVEN = re.compile(r"\b(\w+)\s*=(?!=)")
_TELLS = re.compile(rf"\b({'|'.join(set(_TOLD_BY.values()))})\(")
_NAMED = re.compile(r"([\"'])([\w-]+)\1")


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that makes a task: where its name stands, and the part of the source in which its arguments are given."""

    name: int
    start: int
    end: int


class PythonSource:
    """A source that is searched for many problems: it is gone through a few times, however many they are."""

    def __init__(self, source: str) -> None:
        self._source = source
        made = list(_MADE.finditer(source))
        ends = [call.start() for call in made[1:]] + [len(source)]
        self._calls: dict[str, _Call] = {}
        for call, end in zip(made, ends, strict=False):
            self._calls.setdefault(call[2], _Call(call.start(2), call.end(), end))
        self._named: dict[str, int] = {}
        for word in _NAMED.finditer(source):
            self._named.setdefault(word[2], word.start(2))
        self._given: dict[str, list[int]] = {}
        for word in _GIVEN.finditer(source):
            self._given.setdefault(word[1], []).append(word.start())
        self._told: dict[str, int] = {}
        for word in _TELLS.finditer(source):
            self._told.setdefault(word[1], word.start())

    def position(self, path: Path) -> Position | None:
        """Where the innermost task of the path is made, or its argument that the path goes through; or the call that says the workflow's own field."""
        for at in range(len(path) - 1, 0, -1):
            name = path[at]
            if path[at - 1] == "tasks" and isinstance(name, str):
                found = self._task(name, path[at + 1 :])
                if found is not None:
                    return self._at(found)
        return self._workflow(str(path[0])) if path else None

    def _task(self, name: str, field: Path) -> int | None:
        call = self._calls.get(name)
        if call is None:
            return self._named.get(name)
        argument = self._argument(call, field)
        return call.name if argument is None else argument

    def _argument(self, call: _Call, field: Path) -> int | None:
        """Where the innermost part of a field is given by name."""
        for part in reversed(field):
            offsets = self._given.get(str(part), [])
            first = bisect_left(offsets, call.start)
            if first < len(offsets) and offsets[first] < call.end:
                return offsets[first]
        return None

    def _workflow(self, field: str) -> Position | None:
        offset = self._told.get(_TOLD_BY.get(field, ""))
        return None if offset is None else self._at(offset)

    def _at(self, offset: int) -> Position:
        before = self._source.count("\n", 0, offset)
        return Position(before + 1, offset - self._source.rfind("\n", 0, offset))
