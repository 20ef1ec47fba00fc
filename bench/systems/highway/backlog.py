"""Work for many tenants at once, by the schema's own functions: what is measured is not its submission."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from bench.client import Kind
from bench.systems.highway.definitions import DEFINITIONS, TIMER, Definition
from engine import facade

REGISTER = """
    SELECT d.definition_id FROM unnest(%s::uuid[]) AS t (tenant_id)
     CROSS JOIN LATERAL highway.register_definition(t.tenant_id, %s, %s, %s::jsonb, '', 'json') AS d"""
SUBMIT = """
    SELECT count(highway.submit_run(d.tenant_id, d.definition_id, %s::jsonb)) FROM highway.workflow_definition AS d CROSS JOIN generate_series(1, %s)
     WHERE d.tenant_id = ANY (%s) AND d.definition_hash = %s"""
PENDING = "SELECT count(*) FROM highway.task WHERE tenant_id = %s AND state = 'pending'"


def queue_many(connection: psycopg.Connection[Any], kind: Kind, tenants: Sequence[UUID], each: int) -> None:
    """So many runs for each tenant, in one transaction."""
    _queue(connection, DEFINITIONS[kind], tenants, each, {})


def queue_timers(connection: psycopg.Connection[Any], tenant: UUID, count: int, until: str) -> None:
    """Runs that sleep until a time."""
    _queue(connection, TIMER, [tenant], count, {"until": until})


def pending(connection: psycopg.Connection[Any], tenant: UUID) -> int:
    """How many of a tenant's wait for a worker."""
    row = connection.execute(PENDING, [tenant]).fetchone()
    return int(row[0]) if row else 0


def _queue(
    connection: psycopg.Connection[Any],
    definition: Definition,
    tenants: Sequence[UUID],
    each: int,
    inputs: dict[str, Any],
) -> None:
    # The first tenant's by the front door, which says under which hash it is kept.
    with connection.transaction():
        first = facade.register(connection, tenant_id=tenants[0], definition=definition)
        content = (first.definition_hash, definition["name"], json.dumps(definition))
        connection.execute(REGISTER, [list(tenants[1:]), *content])
        connection.execute(SUBMIT, [json.dumps(inputs), each, list(tenants), first.definition_hash])
