"""Workflow definitions in JSON, short to write in tests."""

from __future__ import annotations

from typing import Any


def task(task_id: str, *after: str, function: str = "tools.x", **more: Any) -> dict[str, Any]:
    """A task in JSON, for definitions in tests."""
    return {"task_id": task_id, "operator_type": "task", "function": function, "dependencies": list(after), **more}


def op(kind: str, task_id: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "operator_type": kind, "dependencies": list(after), **more}


def workflow(*tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "w", "tasks": {each["task_id"]: each for each in tasks}, **more}
