"""Definition texts to JSON values: JSON, or YAML without its dangers."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

import yaml

from engine.language.problems import DefinitionError, Problem
from engine.language.shape import MAX_DEPTH, check_text_size
from engine.model.json import Json


def read_json(text: str) -> Json:
    """Parse JSON strictly: no repeated keys, no NaN. DefinitionError names line and column."""
    check_text_size(text)
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
        names = [key for key, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise _unreadable(f"the key '{repeated[0]}' stands twice in one object", "duplicate_key")
    return read


def _no_constant(name: str) -> NoReturn:
    raise _unreadable(f"{name} has no place in JSON", "not_json")


MAX_YAML_CHARACTERS = 2 * 1024 * 1024  # takes as long as JSON of the full size
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML without repeated keys, or dates that JSON cannot hold."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        read: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if isinstance(node, yaml.MappingNode) and len(read) != len(node.value):
            raise yaml.MarkedYAMLError(problem="a key stands twice in one mapping", problem_mark=node.start_mark)
        return read


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str) -> Json:
    """Parse YAML 1.1 as far as it is JSON; times stay text. DefinitionError names line and column."""
    check_text_size(text)
    if len(text) > MAX_YAML_CHARACTERS:
        raise _unreadable(f"YAML is read up to {MAX_YAML_CHARACTERS // 1024 // 1024} MB; write it as JSON", "too_large")
    try:
        _refuse_anchors(text)
        return cast(Json, yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        raise _unreadable(f"{_place(error.problem_mark)}{error.problem}", "bad_yaml") from None
    except DefinitionError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(str(error), "bad_yaml") from None
    except RecursionError:
        raise _unreadable("the text is nested too deep", "too_deep") from None


def _refuse_anchors(text: str) -> None:
    """No anchors: a few lines of them can stand for more values than there is memory. And no depth that recursion cannot follow."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _unreadable(f"{_place(event.start_mark)}anchors and aliases are not read", "bad_yaml")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _unreadable(f"{_place(event.start_mark)}nested over {MAX_DEPTH} deep", "too_deep")


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _unreadable(message: str, code: str) -> DefinitionError:
    return DefinitionError([Problem("$", code, message)])
