"""I10: whatever a worker still wants to write after its claim was given to another one, nothing of it is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import connect
from engine.db.queries import load
from engine.kit.ids import uuid7
from engine.model.commands import Emit, Record
from engine.queue.writes import (
    Finished,
    ForkWrite,
    HandedBack,
    JournalWrite,
    RecordWrite,
    Suspended,
    TaskWrites,
    WaitWrite,
)
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.runs import scalar, start, take, write

_sql = load("worker")
LATE: dict[str, dict[str, Any]] = {
    "a checkpoint": {"records": [RecordWrite(Record("only", "task", "succeeded", variables={"v": 1}), 0.1)]},
    "a wait": {"waits": [WaitWrite("hear", "event", event_name="go")]},
    "a fact": {"journal": [JournalWrite("log", "only", {})]},
    "a branch": {"forks": [ForkWrite(uuid7(), "left", "branch", [], {}, {}, None)]},
    "an event": {"emits": [Emit("only", "go", None)]},
    "a success": {"exit": Finished("completed")},
    "a failure": {"exit": Finished("failed", error={"message": "late"})},
    "a suspension": {"exit": Suspended()},
    "a hand-back": {"exit": HandedBack(5.0)},
}


@pytest.mark.parametrize("late", LATE)
def test_it_changes_nothing(late: str, module_database: Database, tenant: UUID) -> None:
    """1 the first worker claims, 2 it is declared dead and its task rescued, 3 another one claims it, 4 the first one writes."""
    with connect(module_database.worker) as connection:
        run = start(connection, tenant, queue=str(tenant))
        (old,) = take(module_database.worker, worker_id=uuid4(), queues=(str(tenant),))
        assert run in {row["task_id"] for row in _sql.rescue.many(connection, quantity=100)}
        (new,) = take(module_database.worker, worker_id=uuid4(), queues=(str(tenant),))
        before = _everything(connection, tenant)
        assert write(module_database.worker, TaskWrites(old, **LATE[late])).stale == {run}
        assert _everything(connection, tenant) == before
        assert write(module_database.worker, TaskWrites(new, exit=Finished("completed"))).live == {run}
        assert [problem for problem in problems(module_database.worker) if str(run) in problem] == []


def _everything(connection: Any, tenant: UUID) -> dict[str, Any]:
    tables = ("task", "checkpoint", "wait", "journal", "event", "variable", "workflow_run")
    query = "SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY to_jsonb(x)::text), '[]') FROM highway.{} AS x WHERE tenant_id = %s"
    return {table: scalar(connection, query.format(table), tenant) for table in tables}


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "compensated"])
def test_no_statement_leaves_an_end(end: str, module_database: Database, tenant: UUID) -> None:
    """I8: not even one that is written wrongly: the table itself refuses."""
    with connect(module_database.worker) as connection:
        run = start(connection, tenant, queue=str(tenant))
        (task,) = take(module_database.worker, queues=(str(tenant),))
        write(module_database.worker, TaskWrites(task, exit=Finished(end)))  # type: ignore[arg-type]
        with pytest.raises(psycopg.Error, match="cannot become") as refused:
            connection.execute("UPDATE highway.task SET state = 'sleeping' WHERE task_id = %s", [run])
        assert refused.value.sqlstate == "HW002"
