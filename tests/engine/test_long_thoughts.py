"""A task that has much to say says it in parts: what others want written waits for a part at most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from engine.db.connection import connect
from engine.interpreter import compile_program
from engine.language import read_definition
from engine.model.commands import MOST_AT_ONCE
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask, Loaded
from engine.orchestrator.entry import enter
from tests.support.databases import Database
from tests.support.runs import fork, scalar, start, take, write
from tests.support.workers import Workers

ROUNDS = 2_500


def thinks_long(rounds: int) -> JsonObject:
    """A loop of nothing but decisions, which end with its limit."""
    decision = {"task_id": "decide", "operator_type": "condition", "condition": "1 == 1"}
    loop = {"operator_type": "while", "condition": "1 == 1", "max_iterations": rounds, "loop_body": [decision]}
    return {"name": "thinks", "tasks": {"loop": loop}}


def a_task() -> ClaimedTask:
    names: dict[str, Any] = dict.fromkeys(ClaimedTask.__dataclass_fields__)
    ids = {name: uuid4() for name in ("tenant_id", "task_id", "workflow_run_id")}
    words = {"key": "", "kind": "workflow", "name": "thinks", "phase": "", "queue": "default"}
    return ClaimedTask(**names | ids | words | {"epoch": 1, "attempt": 1, "rescues": 0, "path": [], "inputs": {}, "context": {},
                                                "cancel_requested": False, "created_at": datetime.now(UTC)})  # fmt: skip


def test_what_a_loop_decides_is_collected_in_parts_of_a_commit_each() -> None:
    session = enter(a_task(), compile_program(read_definition(thinks_long(ROUNDS))), Loaded())
    parts: list[list[str]] = []
    while True:
        session.advance()
        parts.append([write.record.key for write in session.writes.records])
        if session.writes.exit:
            break
        assert session.goes_on
        session.advance()
        assert len(session.writes.records) == len(parts[-1]), "nothing more before that is written"
        session.committed()
    assert max(map(len, parts)) <= MOST_AT_ONCE * 1.1
    keys = [key for part in parts for key in part]
    assert len(keys) == len(set(keys)) == 2 * ROUNDS + 2
    assert not session.goes_on


def test_a_run_that_thinks_long_comes_to_its_end(workers: Workers) -> None:
    workers.start()
    run = workers.submit(thinks_long(ROUNDS))
    ended = workers.finish(run)
    assert ended.error is not None
    assert (ended.status, ended.error["kind"], ended.attempt) == ("failed", "loop_limit", 1)
    with connect(workers.database.worker) as connection:
        assert (
            scalar(connection, "SELECT count(*) FROM highway.checkpoint WHERE workflow_run_id = %s", run)
            == 2 * ROUNDS + 2
        )


def test_thousands_are_forked_in_one_commit(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (task,) = take(database.worker)
        keys = [f"each_{number}" for number in range(3_000)]
        write(database.worker, fork(task, *keys, kind="activity"))
        asked = "SELECT count(*) FROM highway.task AS t JOIN highway.activity AS a USING (tenant_id, task_id) WHERE t.parent_task_id = %s"
        assert scalar(connection, asked, task.task_id) == len(keys)
