"""Starting many runs at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.facade.submit_many import MAX_TOGETHER
from tests.support.runs import ONE_TASK, scalar

Connect = Callable[..., psycopg.Connection[Any]]
LIMITED = ONE_TASK | {"name": "limited", "limits": [{"kind": "concurrency", "key": "k", "limit": 1}]}


def _definition(connection: psycopg.Connection[Any], tenant: UUID, definition: dict[str, Any] = ONE_TASK) -> UUID:
    return facade.register(connection, tenant_id=tenant, definition=definition).definition_id


def test_each_input_has_its_run_in_order(connect: Connect, tenant: UUID) -> None:
    with connect("web", autocommit=True) as connection:
        inputs: list[dict[str, Any]] = [{"n": n, "text": 'a "quoted" \\ {brace}, NULL'} for n in range(300)]
        definition_id = _definition(connection, tenant)
        ids = facade.submit_many(
            connection, tenant_id=tenant, definition_id=definition_id, inputs=inputs, tags=["nightly"], priority=3
        )
        runs = [facade.get_run(connection, tenant_id=tenant, workflow_run_id=run_id) for run_id in ids]
    assert [run.inputs for run in runs] == inputs
    assert {(run.status, run.priority, tuple(run.tags), run.name) for run in runs} == {
        ("pending", 3, ("nightly",), "one_task")
    }


def test_they_are_like_those_that_are_started_one_by_one(connect: Connect, tenant: UUID) -> None:
    with connect("web", autocommit=True) as connection:
        definition_id = _definition(connection, tenant, LIMITED | {"deadline_seconds": 60, "deadline_action": "cancel"})
        how: dict[str, Any] = {"tenant_id": tenant, "definition_id": definition_id, "delay_seconds": 30}
        alone = facade.submit(connection, inputs={"a": 1}, **how).workflow_run_id
        (together,) = facade.submit_many(connection, inputs=[{"a": 1}], **how)
    rows = []
    with connect("superuser") as connection:
        for run_id in (alone, together):
            rows.append(
                connection.execute(
                    "SELECT to_jsonb(r) - '{workflow_run_id,created_at,deadline_at}'::text[], r.deadline_at - r.created_at,"
                    " to_jsonb(t) - '{workflow_run_id,task_id,created_at,available_at}'::text[], t.available_at - t.created_at"
                    " FROM highway.workflow_run AS r JOIN highway.task AS t USING (tenant_id, workflow_run_id)"
                    " WHERE r.workflow_run_id = %s",
                    [run_id],
                ).fetchone()
            )
    assert rows[0] == rows[1]
    assert rows[0] is not None
    assert rows[0][2]["gate"]


def test_all_or_none_are_started(connect: Connect, tenant: UUID) -> None:
    with connect("web", autocommit=True) as connection:
        definition_id = _definition(connection, tenant)
        with pytest.raises(facade.NotFoundError):
            facade.submit_many(connection, tenant_id=tenant, definition_id=uuid4(), inputs=[{}])
        with pytest.raises(facade.InvalidError, match="NUL"):
            facade.submit_many(connection, tenant_id=tenant, definition_id=definition_id, inputs=[{}, {"a": "\0"}])
        with pytest.raises(facade.InvalidError, match=r"10,001 runs at once; the limit is 10,000"):
            facade.submit_many(
                connection, tenant_id=tenant, definition_id=definition_id, inputs=[{}] * (MAX_TOGETHER + 1)
            )
        assert facade.submit_many(connection, tenant_id=tenant, definition_id=definition_id, inputs=[]) == []
    with connect("superuser") as connection:
        assert scalar(connection, "SELECT count(*) FROM highway.workflow_run WHERE tenant_id = %s", tenant) == 0


def test_the_backlog_cap_counts_all_of_them(connect: Connect, tenant: UUID) -> None:
    with connect("superuser", autocommit=True) as connection:
        connection.execute("INSERT INTO highway.tenant_policy (tenant_id, max_backlog) VALUES (%s, 5)", [tenant])
    with connect("web", autocommit=True) as connection:
        how: dict[str, Any] = {"tenant_id": tenant, "definition_id": _definition(connection, tenant)}
        assert len(facade.submit_many(connection, inputs=[{}] * 4, **how)) == 4
        with pytest.raises(facade.BacklogFullError):
            facade.submit_many(connection, inputs=[{}] * 2, **how)
        assert len(facade.submit_many(connection, inputs=[{}], **how)) == 1
