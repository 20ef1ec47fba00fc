"""Bounds on definitions before anything walks them: size, depth, number of tasks and values, and that they are JSON at all.

A hostile text is refused before it is parsed, so that it never becomes more memory than its own; see docs/language.md, "Limits".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice

from engine.language.problems import DefinitionError, Problem, join_path
from engine.model.json import Json

MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_TASKS = 10_000
MAX_DEPTH = 100
MAX_CONTAINERS = 125_000
MAX_VALUES = 400_000
MAX_DIGITS = 40
_MOST = 10**MAX_DIGITS
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_OPENING = re.compile(
    r'(?:[^"\[{]++|"(?:[^"\\]++|\\.)*+")*+(?:[\[{]|\Z)', re.DOTALL
)  # outside of texts, with what is before it
_VALUE = re.compile(r'(?:[^"\[{,]++|"(?:[^"\\]++|\\.)*+")*+(?:[\[{,]|\Z)', re.DOTALL)


def check_text_size(text: str) -> None:
    """Refuse a definition whose text is over the limit; DefinitionError."""
    if len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise _refusal("too_large", f"a definition has at most {MAX_TEXT_BYTES // 1024 // 1024} MB")


def check_json_text(text: str) -> None:
    """Refuse JSON text that would become too many tasks or values, without making them; DefinitionError."""
    if text.count('"operator_type"') > MAX_TASKS:
        raise _too_large()
    openings = text.count("[") + text.count("{")
    if openings + text.count(",") > MAX_VALUES and _has_more(_VALUE, text, MAX_VALUES):
        raise _too_large()
    if openings > MAX_CONTAINERS and _has_more(_OPENING, text, MAX_CONTAINERS):
        raise _too_large()


def _has_more(pattern: re.Pattern[str], text: str, most: int) -> bool:
    """Whether more than ``most`` of these signs stand outside of texts: exact, and slower than counting them anywhere."""
    return next(islice(pattern.finditer(text), most, None), None) is not None


def check_shape(value: Json) -> None:
    """Refuse what is too deep or too big, NaN, and keys or values that JSON does not have; DefinitionError."""
    if not isinstance(value, dict):
        raise _refusal("not_an_object", "a definition is a JSON object with name and tasks")
    _Walk(value).finish()


class _Walk:
    """One pass over a value, one member after another; ``trail`` leads to the container that is open."""

    def __init__(self, value: dict[str, Json]) -> None:
        self._values = self._containers = self._operators = 0
        self._trail: list[str | int] = []
        self._open: list[Iterator[tuple[str | int, Json]]] = []
        self._enter(value)

    def finish(self) -> None:
        """To the end of the value."""
        while self._open:
            for part, member in self._open[-1]:
                # Nearly all are one of these two, and there may be a million.
                if type(member) is str and member.isascii() and "\0" not in member:
                    continue
                if type(member) is int and -_MOST < member < _MOST:
                    continue
                if isinstance(member, (dict, list)):
                    self._trail.append(part)
                    self._enter(member)
                    break
                self._check_scalar(part, member)
            else:
                self._open.pop()
                del self._trail[-1:]

    def _enter(self, container: dict[str, Json] | list[Json]) -> None:
        self._values += len(container) or 1
        self._containers += 1
        if isinstance(container, dict):
            self._operators += "operator_type" in container
            self._check_keys(container)
            self._open.append(iter(container.items()))
        else:
            self._open.append(enumerate(container))
        if self._operators > MAX_TASKS or self._containers > MAX_CONTAINERS or self._values > MAX_VALUES:
            raise _too_large()
        if len(self._open) > MAX_DEPTH:
            raise _refusal("too_deep", f"a definition is nested at most {MAX_DEPTH} deep", *self._trail)

    def _check_keys(self, container: dict[str, Json]) -> None:
        for key in container:
            if not isinstance(key, str):
                raise _refusal("not_json", f"the key {key!a:.80} is not text", *self._trail)
            if not key.isascii() or "\0" in key:
                self._check_text(key)

    def _check_scalar(self, part: str | int, value: object) -> None:
        if isinstance(value, str):
            self._check_text(value, part)
        elif isinstance(value, int):
            if not -_MOST < value < _MOST:
                message = f"whole numbers have at most {MAX_DIGITS} digits: longer ones are texts"
                raise _refusal("bad_number", message, *self._trail, part)
        elif value is not None and not (isinstance(value, float) and math.isfinite(value)):
            raise _refusal("not_json", f"{value!r:.80} has no place in JSON", *self._trail, part)

    def _check_text(self, text: str, *parts: str | int) -> None:
        """NUL and halves of surrogate pairs can be written in JSON, and neither encoded nor stored."""
        if "\0" in text or (not text.isascii() and _HALF_PAIR.search(text)):
            message = "the text holds a NUL or half of a surrogate pair"
            raise _refusal("bad_text", message, *self._trail, *parts)


def _too_large() -> DefinitionError:
    bounds = f"{MAX_TASKS:,} tasks, {MAX_CONTAINERS:,} arrays and objects and {MAX_VALUES:,} values"
    return _refusal("too_large", f"a workflow has at most {bounds}")


def _refusal(code: str, message: str, *trail: str | int) -> DefinitionError:
    return DefinitionError([Problem(join_path("$", *trail), code, message)])
