"""What an expression may look up: plain names to JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from engine.model.json import Json


class Names(Protocol):
    """The names visible at one place of a running workflow."""

    def lookup(self, name: str) -> Json:
        """The value of a root name; KeyError when it is not visible here."""

    def visible(self) -> Iterable[str]:
        """All names that `lookup` knows, for suggestions."""


class MapNames:
    """Names out of one mapping."""

    def __init__(self, values: Mapping[str, Json]) -> None:
        self._values = values

    def lookup(self, name: str) -> Json:
        return self._values[name]

    def visible(self) -> Iterable[str]:
        return self._values


class Overlay:
    """A few names over others."""

    def __init__(self, values: Mapping[str, Json], outer: Names) -> None:
        self._values = values
        self._outer = outer

    def lookup(self, name: str) -> Json:
        return self._values[name] if name in self._values else self._outer.lookup(name)

    def visible(self) -> Iterable[str]:
        return {*self._values, *self._outer.visible()}
