"""Storing and finding definitions."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError
from engine.db.queries import load
from engine.facade.definition_schedules import follow_definition
from engine.facade.tenancy import tenant_statement, tenant_transaction
from engine.kit.json_text import dumps
from engine.language.canonical import definition_hash
from engine.model.json import JsonObject
from engine.model.views import DefinitionRef, DefinitionView, WorkflowView

_sql = load("run")


def register(
    connection: Connection, *, tenant_id: UUID, definition: JsonObject, source: str = "", source_format: str = "json"
) -> DefinitionRef:
    """Store a checked definition under the hash of its canonical JSON; the same content is stored once. A new content of a name is its next version.

    ``source`` is what the author wrote, kept beside it (``source_format``: python, json or yaml). A new version takes its ``schedule`` with it:
    see `follow_definition`.
    """
    name = definition.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidError("a definition needs a name")
    content = definition_hash(definition)
    with tenant_transaction(connection, tenant_id):
        row = _sql.register.one(
            connection,
            tenant_id=tenant_id,
            definition_hash=content,
            name=name,
            definition=dumps(definition),
            source=source,
            source_format=source_format,
        )
        assert row is not None  # noqa: S101 - the function always answers
        if row["created"]:
            follow_definition(connection, tenant_id=tenant_id, definition=definition, version=row["version"])
    return DefinitionRef(row["definition_id"], content, name, row["version"], row["created"])


def meant_definition(
    connection: Connection,
    *,
    tenant_id: UUID,
    definition_id: UUID | None = None,
    definition_hash: str | None = None,
    name: str | None = None,
    version: int | None = None,
) -> DefinitionRef | None:
    """The labels of the definition that somebody means: by id, by hash, or by name (its newest version unless one is named); None when there is none.

    One round trip on an idle connection, and nothing of the definition itself crosses the line.
    """
    with tenant_statement(connection, tenant_id):
        row = _sql.meant_definition.one(
            connection,
            tenant_id=tenant_id,
            definition_id=definition_id,
            definition_hash=definition_hash,
            name=name,
            version=version,
        )
    return None if row is None else DefinitionRef(**row)


def find_definition(
    connection: Connection,
    *,
    tenant_id: UUID,
    definition_id: UUID | None = None,
    definition_hash: str | None = None,
    name: str | None = None,
    version: int | None = None,
) -> DefinitionView:
    """A definition by id, by hash, or by name (its newest version unless one is named). Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.find_definition.one(
            connection,
            tenant_id=tenant_id,
            definition_id=definition_id,
            definition_hash=definition_hash,
            name=name,
            version=version,
        )
    if row is None:
        raise NotFoundError(f"no workflow definition {definition_id or definition_hash or name}")
    return DefinitionView(**row)


def list_workflows(
    connection: Connection, *, tenant_id: UUID, after_name: str = "", quantity: int = 50
) -> list[WorkflowView]:
    """Workflows by name, behind ``after_name``, each with its newest definition and how its last runs went."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list_workflows.many(connection, tenant_id=tenant_id, after_name=after_name, quantity=quantity)
    return [WorkflowView(**row) for row in rows]
