"""Definition texts to JSON values: JSON, or YAML without its dangers."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn, cast

import yaml

from engine.language.problems import DefinitionError, Problem
from engine.language.shape import MAX_DEPTH, check_json_text, check_text_size
from engine.model.json import Json


def read_json(text: str) -> Json:
    """Parse JSON strictly: no repeated keys, no NaN. DefinitionError names line and column."""
    check_text_size(text)
    check_json_text(text)
    try:
        return cast(Json, json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        raise _unreadable(f"line {error.lineno}, column {error.colno}: {error.msg}", "bad_json") from None
    except RecursionError:
        raise _unreadable("the text is nested too deep", "too_deep") from None
    except ValueError as error:  # a number of thousands of digits
        raise error if isinstance(error, DefinitionError) else _unreadable(str(error), "bad_json") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        repeated = min(name for name, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _unreadable(f"the key '{repeated[:200]}' stands twice in one object", "duplicate_key")
    return read


def _no_constant(name: str) -> NoReturn:
    raise _unreadable(f"{name} has no place in JSON", "not_json")


MAX_YAML_CHARACTERS = 256 * 1024  # is as long in the reading as JSON of the full size
_WHOLE = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$", re.ASCII)
_DECIMAL = re.compile(
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    re.ASCII,
)
_PREFIX = "tag:yaml.org,2002:"
_TAGS = {None, _PREFIX + "str", _PREFIX + "seq", _PREFIX + "map"}
_PATTERNS = {_PREFIX + "int": _WHOLE, _PREFIX + "float": _DECIMAL}
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML without dates, which JSON cannot hold, and numbers to the base of sixty, which take as long as one likes."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, _PATTERNS.get(tag, pattern)) for tag, pattern in resolvers if tag != _PREFIX + "timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str) -> Json:
    """Parse YAML 1.1 as far as it is JSON; times stay text. DefinitionError names line and column."""
    check_text_size(text)
    if len(text) > MAX_YAML_CHARACTERS:
        raise _unreadable(f"YAML is read up to {MAX_YAML_CHARACTERS // 1024} KB; write it as JSON", "too_large")
    try:
        _refuse_dangers(text)
        return cast(Json, yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        raise _unreadable(f"{_place(error.problem_mark)}{error.problem}", "bad_yaml") from None
    except DefinitionError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(str(error), "bad_yaml") from None
    except RecursionError:
        raise _unreadable("the text is nested too deep", "too_deep") from None


def _refuse_dangers(text: str) -> None:
    """No anchors: a few lines of them can stand for more values than there is memory. No tags, repeated keys, and depth that recursion cannot follow."""
    open_ones: list[_Open] = []
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionEndEvent):
            open_ones.pop()
        elif isinstance(event, yaml.NodeEvent):
            _refuse(event, open_ones[-1].takes(event) if open_ones else "")
            if isinstance(event, yaml.CollectionStartEvent):
                open_ones.append(_Open(isinstance(event, yaml.MappingStartEvent)))
        if len(open_ones) > MAX_DEPTH:
            raise _unreadable(f"{_place(event.start_mark)}nested over {MAX_DEPTH} deep", "too_deep")


def _refuse(event: Any, problem: str) -> None:
    if event.anchor is not None:
        problem = "anchors and aliases are not read"
    elif getattr(event, "tag", None) not in _TAGS:
        problem = "tags are not read"
    if problem:
        raise _unreadable(f"{_place(event.start_mark)}{problem}", "bad_yaml")


class _Open:
    """A mapping or sequence whose end has not come; a mapping knows its keys."""

    __slots__ = ("_is_key", "_keys")

    def __init__(self, is_mapping: bool) -> None:
        self._is_key = False
        self._keys: set[str] | None = set() if is_mapping else None

    def takes(self, event: Any) -> str:
        """Takes a key, a value, or an item; what is wrong with it, or nothing."""
        if self._keys is None:
            return ""
        self._is_key = not self._is_key
        if not self._is_key:
            return ""
        key = getattr(event, "value", None)
        if key is None:
            return "the key is not text"
        if key in self._keys:
            return "a key stands twice in one mapping"
        self._keys.add(key)
        return ""


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _unreadable(message: str, code: str) -> DefinitionError:
    return DefinitionError([Problem("$", code, message)])
