"""Positions in JSON. The text has been read before, so it is only walked over here, without recursion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.positions.paths import Path, Position

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def json_positions(text: str) -> dict[Path, Position]:
    """Where each value stands; one that is an object or an array at its key."""
    walk = _Walk()
    for word, position in _words(text):
        walk.take(word, position)
    return walk.values


def first_repeated(text: str) -> Position | None:
    """Where a key stands for the second time in its object."""
    walk = _Walk()
    for word, position in _words(text):
        walk.take(word, position)
        if walk.repeated:
            return walk.repeated
    return None


@dataclass(slots=True)
class _Walk:
    """What is known of the words so far. ``path`` leads to the value that comes next, or that has just been."""

    values: dict[Path, Position] = field(default_factory=dict)
    repeated: Position | None = None
    path: list[str | int] = field(default_factory=list)
    objects: list[bool] = field(default_factory=list)  # of each open container, whether it is an object
    awaits_key: bool = False
    key_position: Position | None = None

    def take(self, word: str, position: Position) -> None:
        """One word more."""
        if word in {"}", "]"}:
            self.objects.pop()
            del self.path[len(self.objects) :]
            self.awaits_key = False
        elif word == ",":
            self._next_member()
        elif word == ":":
            self.awaits_key = False
        elif self.awaits_key:
            self._take_key(json.loads(word), position)
        else:
            self._take_value(word, position)

    def _next_member(self) -> None:
        self.awaits_key = self.objects[-1]
        self.key_position = None
        if isinstance(index := self.path[-1], int):
            self.path[-1] = index + 1

    def _take_key(self, key: str, position: Position) -> None:
        self.path[-1] = key
        self.key_position = position
        if tuple(self.path) in self.values:
            self.repeated = self.repeated or position

    def _take_value(self, word: str, position: Position) -> None:
        is_container = word in {"{", "["}
        self.values[tuple(self.path)] = (self.key_position or position) if is_container else position
        if is_container:
            self.objects.append(word == "{")
            self.path.append("" if word == "{" else 0)
            self.awaits_key = self.objects[-1]
            self.key_position = None


def _words(text: str) -> Iterator[tuple[str, Position]]:
    line, line_start, at = 1, 0, 0
    for word in _WORD.finditer(text):
        before, at = at, word.start()
        if breaks := text.count("\n", before, at):
            line += breaks
            line_start = text.rindex("\n", before, at) + 1
        yield word[0], Position(line, at - line_start + 1)
