"""One transaction for the ORM and the engine: a row and its workflow appear or vanish together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from engine import facade
from engine.model.views import RunFilter
from tenants.models import AuditEntry
from tests.support.runs import ONE_TASK

pytestmark = pytest.mark.usefixtures("open_database")


@pytest.fixture
def open_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The session's Django database without pytest-django's wrapping transaction: these tests are about real commits."""
    with django_db_blocker.unblock():
        yield
        connection.close()


def _order_and_workflow(tenant: UUID) -> tuple[UUID, UUID]:
    """What an application does: write a row of its own, and start a workflow, on Django's connection."""
    order = AuditEntry.objects.create(
        tenant_id=tenant, actor_kind="user", actor="shop", action="order.placed", outcome="done"
    )
    raw = connection.connection
    reference = facade.register(raw, tenant_id=tenant, definition=ONE_TASK)
    run = facade.submit(raw, tenant_id=tenant, definition_id=reference.definition_id, inputs={"order": str(order.id)})
    return order.id, run.workflow_run_id


def _seen(tenant: UUID) -> tuple[int, int]:
    connection.ensure_connection()
    runs = facade.list_runs(connection.connection, tenant_id=tenant, chosen=RunFilter())
    return AuditEntry.objects.filter(tenant_id=tenant).count(), len(runs)


def test_both_appear_with_the_commit() -> None:
    tenant = uuid4()
    with transaction.atomic():
        _order_and_workflow(tenant)
    assert _seen(tenant) == (1, 1)


def test_both_vanish_with_the_rollback() -> None:
    tenant = uuid4()
    with pytest.raises(RuntimeError), transaction.atomic():
        _order_and_workflow(tenant)
        assert _seen(tenant) == (1, 1)
        raise RuntimeError("the order was refused after all")
    assert _seen(tenant) == (0, 0)


def test_a_refused_submission_leaves_the_rest_of_the_transaction_usable() -> None:
    tenant = uuid4()
    with transaction.atomic():
        _order_and_workflow(tenant)
        with pytest.raises(facade.NotFoundError):
            facade.submit(connection.connection, tenant_id=tenant, definition_id=uuid4(), inputs={})
    assert _seen(tenant) == (1, 1)
