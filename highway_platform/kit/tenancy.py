"""One transaction that speaks for one tenant: the only way from the web to the engine's tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from engine.facade.tenancy import speaking_for


def enter_schema_of(tenant: Any) -> None:
    """From here on this thread's Django tables are first those of the tenant, then the public ones."""
    connection.set_tenant(tenant)  # type: ignore[attr-defined]  # django-tenants' connection


def leave_schema() -> None:
    """From here on this thread sees the public tables only."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' connection


@contextmanager
def tenant_transaction(tenant_id: uuid.UUID) -> Iterator[Any]:
    """Open a transaction whose row-level security shows only that tenant; gives the psycopg connection beneath Django's.

    The setting ends with the transaction, so no pooled connection carries a tenant to the next request.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # Django's: it begins the transaction, and names the schema
            cursor.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant_id)])
        with speaking_for(connection.connection, tenant_id):
            yield connection.connection
