"""Group commit: many tasks, one transaction, and each row answers for itself."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import connect
from engine.kit.ids import uuid7
from engine.model.commands import Emit, Record
from engine.queue.writes import Finished, ForkWrite, HandedBack, RecordWrite, Suspended, TaskWrites, WaitWrite
from tests.support.databases import Database
from tests.support.runs import scalar, start, take, write


def _step(writes: TaskWrites, key: str, result: object = "done") -> TaskWrites:
    writes.records.append(RecordWrite(Record(key, "task", "succeeded", result), 0.01))  # type: ignore[arg-type]
    return writes


def test_a_stale_task_writes_nothing_and_its_neighbours_go_through(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        for _ in range(3):
            start(connection, tenant)
        tasks = take(database.worker)
        connection.execute("UPDATE highway.task SET epoch = epoch + 1 WHERE task_id = %s", [tasks[1].task_id])
        result = write(
            database.worker, *(_step(TaskWrites(task, exit=Finished("completed")), "only") for task in tasks)
        )
        assert result.stale == {tasks[1].task_id}
        assert result.live == {tasks[0].task_id, tasks[2].task_id}
        written = {row[0] for row in connection.execute("SELECT workflow_run_id FROM highway.checkpoint")}
        assert written == result.live
        states = dict(connection.execute("SELECT workflow_run_id, status FROM highway.workflow_run").fetchall())
        assert states[tasks[0].task_id] == "completed"
        assert states[tasks[1].task_id] == "running"


def test_a_row_the_database_refuses_fails_alone(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        for _ in range(3):
            start(connection, tenant)
        tasks = take(database.worker)
        batch = [TaskWrites(task) for task in tasks]
        _step(batch[0], "only")
        _step(_step(batch[1], "twice"), "twice")  # the same step key twice violates the primary key
        _step(batch[2], "only")
        result = write(database.worker, *batch)
        assert set(result.refused) == {tasks[1].task_id}
        assert result.live == {tasks[0].task_id, tasks[2].task_id}
        assert scalar(connection, "SELECT count(*) FROM highway.checkpoint") == 2


def test_the_last_checkpoint_and_the_end_of_the_run_are_one_commit(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, _step(TaskWrites(task, exit=Finished("completed")), "only"))
        xids = connection.execute(
            "SELECT (SELECT xmin::text FROM highway.checkpoint WHERE workflow_run_id = %(run)s), (SELECT xmin::text FROM highway.task WHERE task_id = %(run)s)",
            {"run": run},
        ).fetchone()
        assert xids is not None
        assert xids[0] == xids[1]


def test_a_suspended_task_sleeps_until_its_first_wait_is_over(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        waits = [WaitWrite("a", "timer", seconds=60), WaitWrite("b", "event", seconds=30, event_name="go")]
        write(database.worker, TaskWrites(task, waits=waits, exit=Suspended()))
        left = scalar(
            connection, "SELECT extract(epoch FROM available_at - now()) FROM highway.task WHERE task_id = %s", run
        )
        assert 29 < left <= 30
        assert (
            scalar(connection, "SELECT status FROM highway.workflow_run WHERE workflow_run_id = %s", run) == "sleeping"
        )


def test_a_task_whose_event_is_there_already_is_claimable_at_once(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        connection.execute("SELECT highway.emit_event(%s, %s, 'go')", [tenant, run])
        write(database.worker, TaskWrites(task, waits=[WaitWrite("b", "event", event_name="go")], exit=Suspended()))
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"


def test_a_task_that_was_asked_to_stop_does_not_go_to_sleep(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        connection.execute("SELECT highway.cancel_run(%s, %s, 'enough')", [tenant, run])
        result = write(database.worker, TaskWrites(task, waits=[WaitWrite("a", "timer", seconds=60)], exit=Suspended()))
        assert result.cancel_requested == {run}
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"


def _fork(task: TaskWrites, *keys: str) -> TaskWrites:
    task.forks.extend(ForkWrite(uuid7(), key, "branch", ["fork", key], {}, {"x": 1}, None) for key in keys)
    return task


def test_a_join_is_a_counter_and_the_last_branch_wakes_the_parent(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (parent,) = take(database.worker)
        writes = _fork(TaskWrites(parent, exit=Suspended()), "f.a", "f.b", "f.c")
        writes.waits.append(WaitWrite("join", "tasks", awaited=["f.a", "f.b", "f.c"]))
        write(database.worker, writes)
        branches = take(database.worker)
        assert {branch.key for branch in branches} == {"f.a", "f.b", "f.c"}
        write(database.worker, *(TaskWrites(branch, exit=Finished("completed", {"r": 1})) for branch in branches[:2]))
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "sleeping"
        write(
            database.worker, TaskWrites(branches[2], exit=Finished("failed", error={"kind": "tool", "message": "no"}))
        )
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"
        assert scalar(connection, "SELECT needed FROM highway.wait WHERE task_id = %s", run) == 0
        assert scalar(connection, "SELECT count(*) FROM highway.variable WHERE workflow_run_id = %s", run) == 3


def test_a_stale_branch_is_not_counted_by_the_join(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (parent,) = take(database.worker)
        writes = _fork(TaskWrites(parent, exit=Suspended()), "f.a")
        writes.waits.append(WaitWrite("join", "tasks", awaited=["f.a"]))
        write(database.worker, writes)
        (branch,) = take(database.worker)
        connection.execute("UPDATE highway.task SET epoch = epoch + 1 WHERE task_id = %s", [branch.task_id])
        assert write(database.worker, TaskWrites(branch, exit=Finished("completed"))).stale == {branch.task_id}
        assert scalar(connection, "SELECT needed FROM highway.wait WHERE task_id = %s", run) == 1


def test_a_run_that_fails_takes_its_open_branches_along(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        start(connection, tenant)
        (parent,) = take(database.worker)
        write(database.worker, _fork(TaskWrites(parent), "f.a", "f.b"))
        taken = take(database.worker, quantity=1)
        write(database.worker, TaskWrites(parent, exit=Finished("failed", error={"kind": "tool", "message": "no"})))
        states = dict(connection.execute("SELECT key, state FROM highway.task WHERE key <> ''").fetchall())
        asked = dict(connection.execute("SELECT key, cancel_requested FROM highway.task WHERE key <> ''").fetchall())
        running = taken[0].key
        assert states.pop(running) == "running"
        assert asked[running]
        assert set(states.values()) == {"cancelled"}


def test_an_event_of_a_branch_wakes_its_parent(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (parent,) = take(database.worker)
        writes = _fork(TaskWrites(parent, exit=Suspended()), "f.a")
        writes.waits.append(WaitWrite("hear", "event", event_name="go"))
        write(database.worker, writes)
        (branch,) = take(database.worker)
        write(database.worker, TaskWrites(branch, emits=[Emit("tell", "go", {"n": 1})]))
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "pending"
        assert scalar(connection, "SELECT payload FROM highway.event WHERE name = 'go'") == {"n": 1}


def test_a_task_that_is_handed_back_with_a_delay_is_asleep_until_then(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant)
        (task,) = take(database.worker)
        write(database.worker, TaskWrites(task, exit=HandedBack(5)))
        assert scalar(connection, "SELECT state FROM highway.task WHERE task_id = %s", run) == "sleeping"
        assert take(database.worker) == []
