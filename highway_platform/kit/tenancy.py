"""One transaction that speaks for one tenant: the only way from the web to the engine's tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from engine.facade.tenancy import speaking_for, tell_tenant


def enter_schema_of(tenant: Any) -> None:
    """From here on this thread's Django tables are first those of the tenant, then the public ones."""
    connection.set_tenant(tenant)  # type: ignore[attr-defined]  # django-tenants' connection


def leave_schema() -> None:
    """From here on this thread sees the public tables only."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' connection


@contextmanager
def tenant_transaction(tenant_id: uuid.UUID) -> Iterator[Any]:
    """Open a transaction whose row-level security shows only that tenant; gives the psycopg connection beneath Django's.

    The setting ends with the transaction, so no pooled connection carries a tenant to the next request. The tenant's schema is named when the
    first of Django's own statements asks for it: the engine's tables have another, and most requests ask for them alone.
    """
    with transaction.atomic():
        beneath = connection.connection
        tell_tenant(beneath, tenant_id)
        with speaking_for(beneath, tenant_id):
            yield beneath


@contextmanager
def tenant_statements() -> Iterator[Any]:
    """The same connection without a transaction around: every call of the engine's front door has one of its own, and names its tenant in it."""
    connection.ensure_connection()
    yield connection.connection
