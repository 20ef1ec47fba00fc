"""The fields of the language's models in plain words: their types, defaults and bounds."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.language.definition import Operator
from engine.language.definition.fields import BranchName, Seconds, TaskId

_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true/false",
    datetime: "time",
    Any: "any JSON",
    TaskId: "task id",
    BranchName: "name",
    Seconds: "duration",
    Operator: "operator",
}

# How a type around others is told, and which of them it is told by.
_CONTAINERS: dict[Any, tuple[str, int]] = {Annotated: ("", 0), list: ("list of ", 0), dict: ("object of ", 1)}


@dataclass(frozen=True, slots=True)
class FieldWords:
    """One field as it is told: ``default`` is JSON, or "required"."""

    name: str
    kind: str
    default: str
    bounds: str


def fields_of(model: type[BaseModel], *, without: type[BaseModel] | None = None) -> Iterator[FieldWords]:
    """The fields of a model, those that it must have first; ``without`` leaves out what this other model has as well."""
    hints = get_type_hints(model, include_extras=True)
    known = {"operator_type", *(without.model_fields if without else ())}
    fields = [(name, info) for name, info in model.model_fields.items() if name not in known]
    for name, info in sorted(fields, key=lambda field: not field[1].is_required()):
        yield FieldWords(name, words_for(hints[name]), _default(info), _bounds(info))


def words_for(annotation: Any) -> str:
    """A type in plain words; what may be null is told by its default."""
    found = _known(annotation)
    if found:
        return found
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in {Union, types.UnionType}:
        return " or ".join(dict.fromkeys(words_for(part) for part in parts if part is not type(None)))
    if origin in _CONTAINERS:
        word, which = _CONTAINERS[origin]
        return word + words_for(parts[which])
    return f"`{annotation.__name__}`"


def _known(annotation: Any) -> str | None:
    return next((word for known, word in _WORDS.items() if known == annotation), None)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    return f"`{json.dumps(info.get_default(call_default_factory=True, validated_data={}))}`"


def _bounds(info: FieldInfo) -> str:
    words = []
    for rule in info.metadata:
        match rule:
            case Ge(ge):
                words.append(f"at least {ge}")
            case Gt(gt):
                words.append(f"more than {gt}")
            case Le(le):
                words.append(f"at most {le}")
            case MaxLen(length):
                words.append(f"up to {length} long")
    return ", ".join(words)
