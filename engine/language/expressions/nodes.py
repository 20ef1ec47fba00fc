"""The parts of a compiled condition. Each evaluates itself over names; none keeps state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.language.expressions.errors import EvaluationError
from engine.language.expressions.names import Names
from engine.language.expressions.paths import Path
from engine.language.expressions.templates import Reference
from engine.model.json import Json

MAX_RANGE = 100_000


class Node(Protocol):
    """Anything that has a value. ``roots`` are the names it needs."""

    @property
    def roots(self) -> frozenset[str]: ...

    def evaluate(self, names: Names) -> Json: ...


def all_roots(nodes: Sequence[Node]) -> frozenset[str]:
    """The names that any of the nodes needs."""
    return frozenset().union(*(node.roots for node in nodes))


def parts_of(node: Node) -> Iterator[Node]:
    """The node and all nodes inside it."""
    yield node
    inner = getattr(node, "items", None) or [
        getattr(node, part) for part in ("item", "left", "right") if hasattr(node, part)
    ]
    for each in inner:
        yield from parts_of(each)


def references_in(node: Node) -> Iterator[Reference]:
    """Every path that an expression looks up, in templates too, with its default where it has one."""
    for part in parts_of(node):
        if isinstance(part, Path):
            yield Reference(part)
        else:
            yield from getattr(part, "references", ())


def is_true(value: Json) -> bool:
    """Truth of a value: null, false, 0, empty text, the text "false", an empty array or object are not true."""
    if isinstance(value, str):
        return value.strip().lower() not in {"", "false"}
    return bool(value)


@dataclass(frozen=True, slots=True)
class Literal:
    value: Json
    roots: frozenset[str] = frozenset()

    def evaluate(self, names: Names) -> Json:  # noqa: ARG002 - the protocol's shape
        return self.value


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]
    roots: frozenset[str]

    def evaluate(self, names: Names) -> Json:
        return [item.evaluate(names) for item in self.items]


@dataclass(frozen=True, slots=True)
class AnyOf:
    items: tuple[Node, ...]
    roots: frozenset[str]

    def evaluate(self, names: Names) -> Json:
        return any(is_true(item.evaluate(names)) for item in self.items)


@dataclass(frozen=True, slots=True)
class AllOf:
    items: tuple[Node, ...]
    roots: frozenset[str]

    def evaluate(self, names: Names) -> Json:
        return all(is_true(item.evaluate(names)) for item in self.items)


@dataclass(frozen=True, slots=True)
class Not:
    item: Node

    @property
    def roots(self) -> frozenset[str]:
        return self.item.roots

    def evaluate(self, names: Names) -> Json:
        return not is_true(self.item.evaluate(names))


@dataclass(frozen=True, slots=True)
class Comparison:
    sign: str
    left: Node
    right: Node
    roots: frozenset[str]

    def evaluate(self, names: Names) -> Json:
        return COMPARISONS[self.sign](self.left.evaluate(names), self.right.evaluate(names))


@dataclass(frozen=True, slots=True)
class Range:
    item: Node

    @property
    def roots(self) -> frozenset[str]:
        return self.item.roots

    def evaluate(self, names: Names) -> Json:
        count = self.item.evaluate(names)
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_RANGE:
            raise EvaluationError(f"range(n) needs a whole number from 0 to {MAX_RANGE:,}, not {_kind(count)}")
        return list(range(count))


@dataclass(frozen=True, slots=True)
class Length:
    item: Node

    @property
    def roots(self) -> frozenset[str]:
        return self.item.roots

    def evaluate(self, names: Names) -> Json:
        value = self.item.evaluate(names)
        if not isinstance(value, (str, list, dict)):
            raise EvaluationError(f"len(x) needs text, an array or an object, not {_kind(value)}")
        return len(value)


def _equal(left: Json, right: Json) -> bool:
    """Equality of JSON values: true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return left == right


def _order(compare: Callable[[float | str, float | str], bool]) -> Callable[[Json, Json], bool]:
    def ordered(left: Json, right: Json) -> bool:
        both_numbers = _is_number(left) and _is_number(right)
        if both_numbers or (isinstance(left, str) and isinstance(right, str)):
            return compare(left, right)  # type: ignore[arg-type]  # both are numbers or both are text here
        raise EvaluationError(f"cannot tell which of {_kind(left)} and {_kind(right)} is greater")

    return ordered


def _contains(holder: Json, item: Json) -> bool:
    if isinstance(holder, str) and isinstance(item, str):
        return item in holder
    if isinstance(holder, list):
        return any(_equal(candidate, item) for candidate in holder)
    if isinstance(holder, dict) and isinstance(item, str):
        return item in holder
    raise EvaluationError(f"cannot look for {_kind(item)} in {_kind(holder)}")


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "an array"}
    return kinds.get(type(value), "an object")


COMPARISONS: dict[str, Callable[[Json, Json], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _order(lambda left, right: left < right),  # type: ignore[operator]
    "<=": _order(lambda left, right: left <= right),  # type: ignore[operator]
    ">": _order(lambda left, right: left > right),  # type: ignore[operator]
    ">=": _order(lambda left, right: left >= right),  # type: ignore[operator]
    "in": lambda left, right: _contains(right, left),
    "not in": lambda left, right: not _contains(right, left),
    "contains": _contains,
}
