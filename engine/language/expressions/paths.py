"""Paths into JSON values: ``name.field[0]["a key"]``. Lookup is by key and index only, never by attribute."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.language.expressions.errors import ExpressionSyntaxError, UndefinedName, nearest
from engine.language.expressions.names import Names
from engine.model.json import Json

PATH_PATTERN = (
    r"""[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*(?:\.[A-Za-z0-9_-]+|\[\s*(?:-?\d{1,9}|"[^"\\]*"|'[^'\\]*')\s*\])*"""
)
MAX_SEGMENTS = 64
MAX_LENGTH = 1_000
_PATH = re.compile(PATH_PATTERN, re.ASCII)
_SEGMENT = re.compile(r"""\.([A-Za-z0-9_-]+)|\[\s*(?:(-?\d{1,9})|["']([^"'\\]*)["'])\s*\]""", re.ASCII)
_ROOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. ``segments`` are object keys (text) or array indexes (numbers)."""

    text: str
    root: str
    segments: tuple[str | int, ...]

    @property
    def roots(self) -> frozenset[str]:
        return frozenset((self.root,))

    def evaluate(self, names: Names) -> Json:
        """The value the path leads to; raises UndefinedName that names the first part that is missing."""
        try:
            value = names.lookup(self.root)
        except KeyError:
            raise UndefinedName(self.root, nearest(self.root, names.visible())) from None
        for position, segment in enumerate(self.segments):
            found, value = _step(value, segment)
            if not found:
                raise self._missing(position, value)
        return value

    def _missing(self, position: int, holder: Json) -> UndefinedName:
        so_far = self.root + "".join(_written(segment) for segment in self.segments[: position + 1])
        known = holder if isinstance(holder, dict) else ()
        return UndefinedName(so_far, nearest(str(self.segments[position]), known))


def _step(value: Json, segment: str | int) -> tuple[bool, Json]:
    """(True, the inner value), or (False, the holder) when there is no such key or index."""
    if isinstance(value, dict):
        key = str(segment)
        return (True, value[key]) if key in value else (False, value)
    if isinstance(value, list):
        index = _as_index(segment)
        if index is not None and -len(value) <= index < len(value):
            return True, value[index]
    return False, value


def _as_index(segment: str | int) -> int | None:
    if isinstance(segment, int):
        return segment
    return int(segment) if segment.isdecimal() and len(segment) <= 9 else None


def _written(segment: str | int) -> str:
    return f"[{segment}]" if isinstance(segment, int) else f".{segment}"


def parse_path(text: str, position: int = 0) -> Path:
    """Compile a path that is the whole of ``text``; ``position`` is only for the error."""
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"a path has at most {MAX_LENGTH:,} characters", position)
    if _PATH.fullmatch(text) is None:
        raise ExpressionSyntaxError(f"'{text}' is not a path such as name.field or name[0]", position)
    root_match = _ROOT.match(text)
    root = root_match.group() if root_match else text
    segments: list[str | int] = []
    for match in _SEGMENT.finditer(text, len(root)):
        field, index, key = match.groups()
        segments.append(int(index) if index is not None else field if field is not None else key)
    _refuse_reserved(text, root, segments, position)
    return Path(text, root, tuple(segments))


def _refuse_reserved(text: str, root: str, segments: list[str | int], position: int) -> None:
    if len(segments) > MAX_SEGMENTS:
        raise ExpressionSyntaxError(f"a path has at most {MAX_SEGMENTS} parts", position)
    if any(isinstance(part, str) and part.startswith("__") for part in (root, *segments)):
        raise ExpressionSyntaxError(f"'{text}': names that begin with two underscores are not allowed", position)
