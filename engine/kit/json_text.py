"""JSON as PostgreSQL will store it: no NaN, no NUL, nothing that is not JSON."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from engine.model.json import Json

T = TypeVar("T")
loads = json.loads

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


class NotJsonError(ValueError):
    """The value cannot be stored as JSON; the message says why."""


def dumps(value: Json) -> str:
    """The value as JSON text. Raises `NotJsonError` for anything that would not come back the same."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJsonError(f"not storable as JSON: {error}") from error
    if "\\u0000" in text:
        raise NotJsonError("not storable as JSON: it contains a NUL character")
    if not text.isascii():
        _refuse_lone_surrogates(text)
    return text


def dumps_or_none(value: Json) -> str | None:
    """Like `dumps`, with Python's None as SQL's NULL."""
    return None if value is None else dumps(value)


def storable(value: T) -> T:
    """The value with everything replaced that text in PostgreSQL cannot hold (NUL, lone surrogates): for what is shown, never for what is computed with."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()  # type: ignore[return-value]
    if isinstance(value, list):
        return [storable(item) for item in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}  # type: ignore[return-value]
    return value


def to_json(value: Any) -> Json:
    """The value as it would come back from the database (tuples as lists, keys as text)."""
    result: Json = loads(dumps(value))
    return result


def _refuse_lone_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotJsonError(f"not storable as JSON: {error.reason}") from error
