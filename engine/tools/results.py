"""What may become a step's result: JSON that the database, the API and a browser can all hold."""

from __future__ import annotations

import json
import math
from typing import TypeAlias

from engine.tools.errors import ToolError

_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
MAX_DEPTH = 64
MAX_BYTES = 16 * 1024 * 1024  # as engine.queue.payloads has it

_Path: TypeAlias = "tuple[_Path, str | int] | None"  # linked, so that a good result pays nothing for it


def check_result(value: object) -> None:
    """Refuse a result that is not JSON, is nested deeper than 64, or is larger than 16 MiB as UTF-8 JSON.

    Raises a `ToolError` that is not retryable and says where in the result the trouble is.
    """
    if value is None:
        return
    _check_values(value)
    try:
        size = len(_write(value).encode())
    except ValueError as error:  # lone surrogates, and integers beyond what Python writes
        raise _refused(None, f"cannot be written as UTF-8 JSON ({error})") from None
    if size > MAX_BYTES:
        raise _refused(
            None, f"is {size:,} bytes as JSON; the limit is {MAX_BYTES:,}: store it elsewhere and return where"
        )


def storable_text(text: str, max_bytes: int, dropped_bytes: int = 0) -> str:
    """Text that a result may hold in at most about ``max_bytes`` of JSON: NUL replaced, the end cut off with a note of how much is missing."""
    clean = text.replace("\0", "\ufffd")
    kept = clean
    while (size := len(json.dumps(kept, ensure_ascii=False).encode(errors="replace"))) > max_bytes:
        kept = kept[: len(kept) * max_bytes // size]
    dropped_bytes += len(clean[len(kept) :].encode(errors="replace"))
    return f"{kept}\n... ({dropped_bytes:,} more bytes were cut off)" if dropped_bytes else kept


def _check_values(root: object) -> None:
    stack: list[tuple[object, _Path, int]] = [(root, None, 1)]
    while stack:
        value, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise _refused(None, f"is nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            for key, member in value.items():
                _check_key(key, path)
                stack.append((member, (path, f".{key}"), depth + 1))
        elif isinstance(value, list):
            stack.extend((member, (path, index), depth + 1) for index, member in enumerate(value))
        else:
            _check_scalar(value, path)


def _check_key(key: object, path: _Path) -> None:
    if not isinstance(key, str):
        raise _refused(path, f"has a key of type {type(key).__name__}; JSON keys are text")
    if "\0" in key:
        raise _refused(path, "has a key with a NUL character, which the database cannot store")


def _check_scalar(value: object, path: _Path) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise _refused(path, "contains a NUL character, which the database cannot store")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(path, f"is {value}, which JSON does not have")
    elif value is not None and not isinstance(value, int):
        raise _refused(path, f"is of type {type(value).__name__}, which JSON does not have")


def _refused(path: _Path, problem: str) -> ToolError:
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(step if isinstance(step, str) else f"[{step}]")
    where = "$" + "".join(reversed(steps))
    return ToolError(f"the result cannot be stored: {where} {problem}", type="InvalidResult", retryable=False)
