"""Registrations that meet: what is stored is found without waiting, and what is new gets one version each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.facade.tenancy import tenant_transaction
from engine.model.views import DefinitionRef
from tests.support.databases import Database
from tests.support.interleaving import Second
from tests.support.runs import ONE_TASK

ANOTHER = ONE_TASK | {"description": "another"}


def _register(connection: psycopg.Connection[Any], tenant: UUID, definition: dict[str, Any]) -> DefinitionRef:
    return facade.register(connection, tenant_id=tenant, definition=definition)


def test_register_then_register_what_is_stored_waits_for_nobody(database: Database, tenant: UUID) -> None:
    with connect(database.web) as first, connect(database.web, lock_seconds=1) as second:
        stored = _register(first, tenant, ONE_TASK)
        with tenant_transaction(first, tenant):
            _register(first, tenant, ANOTHER)  # holds the name
            assert _register(second, tenant, ONE_TASK).definition_id == stored.definition_id
        assert _register(second, tenant, ANOTHER).version == 2


def test_register_then_register_the_same_new_one_is_stored_once(database: Database, tenant: UUID) -> None:
    with connect(database.web) as first, connect(database.superuser) as observer:
        with tenant_transaction(first, tenant):
            stored = _register(first, tenant, ONE_TASK)
            second = Second(database.web, lambda connection: _register(connection, tenant, ONE_TASK))
            third = Second(database.web, lambda connection: _register(connection, tenant, ANOTHER))
            second.wait_until_blocked(observer)
            third.wait_until_blocked(observer)
        found, other = second.result(), third.result()
    assert (stored.created, found.created, other.created) == (True, False, True)
    assert (found.definition_id, found.version, other.version) == (stored.definition_id, 1, 2)
