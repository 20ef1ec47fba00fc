"""JSON paths as the language writes them, taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]

_PART = re.compile(
    r"""\.(?P<plain>[A-Za-z0-9_-]+)|\[(?P<index>\d+)\]|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\['(?P<other>[^']*)'\]"""
)
_ESCAPED = re.compile(r"\\(.)")


class Position(NamedTuple):
    """A place in a source text; both count from 1."""

    line: int
    column: int


def parts_of(path: str) -> Path:
    """``$.tasks["a b"].dependencies[0]`` as ``("tasks", "a b", "dependencies", 0)``; what cannot be read ends it."""
    parts: list[str | int] = []
    at = 1
    while found := _PART.match(path, at):
        at = found.end()
        if found["index"] is not None:
            parts.append(int(found["index"]))
        elif found["quoted"] is not None:
            parts.append(_ESCAPED.sub(r"\1", found["quoted"]))
        else:
            parts.append(found["plain"] if found["plain"] is not None else found["other"])
    return tuple(parts)


def nearest(positions: Mapping[Path, Position], path: Path) -> Position | None:
    """Where a path stands, or what of it is there: what is missing is shown at what it is missing from."""
    for length in range(len(path), -1, -1):
        if path[:length] in positions:
            return positions[path[:length]]
    return None
