"""What is wrong with a definition, said so that a person can find and mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.model.json import JsonObject

MAX_SHOWN = 200
_PLAIN = re.compile("[A-Za-z0-9_-]+")
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
        elif len(part) <= MAX_SHOWN and _PLAIN.fullmatch(part):
            path += f".{part}"
        else:
            path += '["' + _shown(part).replace('"', '\\"') + '"]'
    return path


def _shown(part: str) -> str:
    """A name as it can be read: backslashes doubled, what cannot be seen as an escape, a very long one cut."""
    shown = "".join(each if each.isprintable() and each != "\\" else ascii(each)[1:-1] for each in part[:MAX_SHOWN])
    return shown if len(part) <= MAX_SHOWN else shown + "..."
