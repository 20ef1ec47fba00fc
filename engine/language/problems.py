"""What is wrong with a definition, said so that a person can find and mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.model.json import JsonObject

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. ``path`` is a JSON path such as ``$.tasks.fetch.dependencies[0]``; ``code`` is stable, ``message`` a sentence."""

    path: str
    code: str
    message: str
    severity: Severity = "error"

    def to_json(self) -> JsonObject:
        """The form in which the API lists it."""
        return {"path": self.path, "code": self.code, "message": self.message, "severity": self.severity}


class DefinitionError(ValueError):
    """A value is not a workflow definition. ``problems`` lists everything that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in self.problems[:5]))


def join_path(path: str, *parts: str | int) -> str:
    """The JSON path of something inside ``path``: ``.name`` for plain names, ``["a name"]`` for others, ``[0]`` in arrays."""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum() and part.isascii():
            path += f".{part}"
        else:
            path += '["' + part.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return path
