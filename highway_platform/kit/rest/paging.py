"""Pages of lists: by the key of the last row of the page before, or, near the beginning, by number.

A page by number is found by walking from the first row, never by an offset that the database would count through: far pages are for the cursor.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from ninja import Schema
from pydantic import Field

from .errors import ApiError, Detail

MAX_WALK = 1_000
T = TypeVar("T")
Read = Callable[[uuid.UUID | None, int], list[T]]  # rows behind a key, at most so many


class PageQuery(Schema):
    """Which page of a list: by number, or by the cursor that the page before gave."""

    page: int = Field(1, ge=1)
    page_size: int = Field(20, ge=1, le=100)
    cursor: uuid.UUID | None = None


def read_page(query: PageQuery, read: Read[T], key_of: Callable[[T], uuid.UUID]) -> tuple[list[T], dict[str, Any]]:
    """One page of rows and what an answer says of it. One row more than the page tells whether there are more."""
    skipped = 0 if query.cursor is not None else (query.page - 1) * query.page_size
    refuse_far(skipped + query.page_size, "query.page")
    rows = read(query.cursor, skipped + query.page_size + 1)[skipped:]
    more = len(rows) > query.page_size
    rows = rows[: query.page_size]
    pagination = {
        "page": query.page,
        "page_size": query.page_size,
        "has_more": more,
        "next_cursor": str(key_of(rows[-1])) if more else None,
    }
    return rows, pagination


def refuse_far(rows: int, path: str) -> None:
    """Refuse what would walk too far."""
    if rows > MAX_WALK:
        message = f"pages reach to the first {MAX_WALK} rows; go on with cursor=<next_cursor>"
        detail = Detail(path, "too_far", message)
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", message, details=[detail])


def chosen_words(text: str | None, known: tuple[str, ...], path: str, code: str = "unknown_status") -> tuple[str, ...]:
    """The words of a list that is separated by commas, each one of the known."""
    given = tuple(word.strip() for word in (text or "").split(",") if word.strip())
    unknown = [word for word in given if word not in known]
    if unknown:
        detail = Detail(path, code, f"{unknown[0]!r} is none of {', '.join(known)}")
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail.message, details=[detail])
    return given
