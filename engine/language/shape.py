"""Bounds on raw JSON before anything walks it: size, depth, number of tasks, and that it is JSON at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from engine.language.problems import DefinitionError, Problem, join_path
from engine.model.json import Json

MAX_TEXT_BYTES = 10 * 1024 * 1024
MAX_TASKS = 100_000
MAX_DEPTH = 100
MAX_VALUES = 5_000_000
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def check_text_size(text: str) -> None:
    """Refuse a definition whose text is over the limit; DefinitionError."""
    if len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise _refusal("too_large", f"a definition has at most {MAX_TEXT_BYTES // 1024 // 1024} MB")


def check_shape(value: Json) -> None:
    """Refuse what is too deep or too big, NaN, and keys or values that JSON does not have; DefinitionError."""
    if not isinstance(value, dict):
        raise _refusal("not_an_object", "a definition is a JSON object with name and tasks")
    values = operators = 0
    level: list[tuple[str, object]] = [("$", value)]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _refusal("too_deep", f"a definition is nested at most {MAX_DEPTH} deep", level[0][0])
        values += len(level)
        operators += sum(1 for _, item in level if isinstance(item, dict) and "operator_type" in item)
        if operators > MAX_TASKS or values > MAX_VALUES:
            raise _refusal("too_large", f"a workflow has at most {MAX_TASKS:,} tasks and {MAX_VALUES:,} values")
        level = [member for path, item in level for member in _members(path, item)]


def _members(path: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        for key, member in item.items():
            if not isinstance(key, str):
                raise _refusal("not_json", f"the key {key!r} is not text", path)
            _check_text(path, key)
            if isinstance(member, (dict, list)):
                yield join_path(path, key), member
            else:
                _check_scalar(path, key, member)
    elif isinstance(item, list):
        for index, member in enumerate(item):
            if isinstance(member, (dict, list)):
                yield join_path(path, index), member
            else:
                _check_scalar(path, index, member)


def _check_scalar(path: str, part: str | int, value: object) -> None:
    if isinstance(value, str):
        _check_text(path, value, part)
        return
    if value is None or isinstance(value, int):
        return
    if isinstance(value, float) and math.isfinite(value):
        return
    raise _refusal("not_json", f"{value!r} has no place in JSON", join_path(path, part))


def _check_text(path: str, text: str, *parts: str | int) -> None:
    """NUL and halves of surrogate pairs can be written in JSON, and neither encoded nor stored."""
    if "\0" in text or (not text.isascii() and _HALF_PAIR.search(text)):
        raise _refusal("bad_text", "the text holds a NUL or half of a surrogate pair", join_path(path, *parts))


def _refusal(code: str, message: str, path: str = "$") -> DefinitionError:
    return DefinitionError([Problem(path, code, message)])
