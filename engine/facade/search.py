"""Search attributes and tags of runs: setting them, and finding runs by them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError
from engine.db.queries import load
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import dumps
from engine.model.json import Json, JsonObject
from engine.model.views import RunFilter, RunRow

_sql = load("search")
TAG = "#"  # tags stand beside the attributes under this name
MAX_VALUE = 200  # characters of a value that are searched
MAX_ATTRIBUTES = 64


def set_attributes(
    connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID, attributes: JsonObject
) -> JsonObject:
    """Merge into a run's search attributes, open or ended; null takes one away. Returns all of them then.

    Values are text, numbers, booleans, or lists of these. Raises `NotFoundError`, and `InvalidError` for other values.
    """
    for name, value in attributes.items():
        if not name or name.startswith(TAG) or not _is_searchable(value):
            raise InvalidError(f"the search attribute {name!r} is no text, number or boolean, nor a list of these")
    with tenant_transaction(connection, tenant_id):
        row = _sql.set_attributes.one(
            connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id, changes=dumps(attributes)
        )
    after: JsonObject = row["attributes"] if row else {}
    return after


def list_marked_runs(
    connection: Connection, *, tenant_id: UUID, chosen: RunFilter, filters: dict[str, Any], **page: Any
) -> list[RunRow]:
    """The runs of a filter that names attributes or tags: found by the index of the first of them. ``filters`` and ``page`` are those of a list."""
    pairs = [*chosen.attributes, *((TAG, tag) for tag in chosen.tags)]
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list_marked.many(
            connection,
            tenant_id=tenant_id,
            names=[name for name, _ in pairs],
            values=[value[:MAX_VALUE] for _, value in pairs],
            run_names=filters["names"],
            **{name: value for name, value in filters.items() if name != "names"},
            **page,
        )
    return [RunRow(**row) for row in rows]


def _is_searchable(value: Json) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str | int | float | bool) for item in value)
    return value is None or isinstance(value, str | int | float | bool)
