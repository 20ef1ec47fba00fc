"""Columns on their way to the server, as the text of PostgreSQL arrays.

The driver writes an array element by element in Python, each with a search for characters to escape. A group commit sends thousands of elements, so
that was the largest single cost of a step; here one column is one join.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID


def array(values: Sequence[object]) -> str:
    """The array literal of a column: UUIDs, numbers, booleans, text, and None. All values but None have to be of one type.

    For parameters that the statement casts (``%(ids)s::uuid[]``). Raises TypeError for what it does not know.
    """
    first = next((value for value in values if value is not None), None)
    if first is None:
        return "{" + ",".join(["NULL"] * len(values)) + "}"
    write = _writer(first)
    return "{" + ",".join(["NULL" if value is None else write(value) for value in values]) + "}"


def _writer(first: object) -> Callable[[object], str]:
    kind = type(first)
    try:
        return _WRITERS[kind]
    except KeyError:
        raise TypeError(f"no array of {kind.__name__} is known") from None


def _text(value: object) -> str:
    text: str = value  # type: ignore[assignment]
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'


def _uuid(value: object) -> str:
    return f"{value.int:032x}"  # type: ignore[attr-defined]


_WRITERS: dict[type, Callable[[object], str]] = {UUID: _uuid, int: str, float: repr, bool: str, str: _text}
