"""JSON values with templates anywhere in their texts, compiled once and rendered often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.language.expressions.names import Names
from engine.language.expressions.templates import parse_template
from engine.model.json import Json

Render = Callable[[Names], Json]


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled value. A constant one renders to itself, the same object every time."""

    source: Json
    roots: frozenset[str]
    _render: Render | None

    @property
    def is_constant(self) -> bool:
        return self._render is None

    def render(self, names: Names) -> Json:
        """The value with its templates resolved; raises ExpressionError."""
        return self.source if self._render is None else self._render(names)


def compile_value(source: Json) -> Value:
    """Compile texts inside arrays and objects, keys excepted; raises ExpressionSyntaxError."""
    if isinstance(source, str):
        return _compile_text(source)
    if isinstance(source, list):
        return _compile_list(source)
    if isinstance(source, dict):
        return _compile_object(source)
    return Value(source, frozenset(), None)


def _compile_text(source: str) -> Value:
    template = parse_template(source)
    return Value(source, template.roots, None if template.is_constant else template.evaluate)


def _compile_list(source: list[Json]) -> Value:
    items = [compile_value(item) for item in source]
    if all(item.is_constant for item in items):
        return Value(source, frozenset(), None)
    roots = frozenset().union(*(item.roots for item in items))
    return Value(source, roots, lambda names: [item.render(names) for item in items])


def _compile_object(source: dict[str, Json]) -> Value:
    members = {key: compile_value(member) for key, member in source.items()}
    if all(member.is_constant for member in members.values()):
        return Value(source, frozenset(), None)
    roots = frozenset().union(*(member.roots for member in members.values()))
    return Value(source, roots, lambda names: {key: member.render(names) for key, member in members.items()})
