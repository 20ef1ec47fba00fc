"""Steps for tests of run control: they say that they began, and go on when a file allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.model.json import JsonObject
from tests.engine.definitions import task


def shell(task_id: str, *after: str, command: str = "true", **more: Any) -> dict[str, Any]:
    """A shell step."""
    return task(task_id, *after, function="tools.shell.run", args=[command], **more)


def counted(task_id: str, *after: str, counter: str = "{{workflow_run_id}}", **more: Any) -> dict[str, Any]:
    """A step whose executions are counted exactly."""
    return task(task_id, *after, function="tools.simple_counter.increment", args=[counter], **more)


def gate(folder: Path, name: str) -> str:
    """A command that makes ``<name>.began`` and ends when ``<name>.go`` is there."""
    return f"touch {folder}/{name}.began; while [ ! -e {folder}/{name}.go ]; do sleep 0.02; done"


def needs(folder: Path, name: str) -> str:
    """A command that counts its executions in ``<name>.tries`` and succeeds when ``<name>.good`` is there."""
    return f"echo x >> {folder}/{name}.tries; [ -e {folder}/{name}.good ]"


def tries(folder: Path, name: str) -> int:
    """How often `needs` was executed."""
    path = folder / f"{name}.tries"
    return len(path.read_text().splitlines()) if path.exists() else 0


def allow(folder: Path, name: str) -> None:
    """Let a gate open, or a need be met."""
    (folder / f"{name}.go").touch()
    (folder / f"{name}.good").touch()


def branches(**inside: list[dict[str, Any]]) -> JsonObject:
    """Branches of a parallel operator, by name."""
    return {name: {"tasks": {each["task_id"]: each for each in tasks}} for name, tasks in inside.items()}
