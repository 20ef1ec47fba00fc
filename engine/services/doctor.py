"""The no-stuck invariant, asked all the time: open tasks that nothing will ever move are an error of ours, are said aloud, and put right where it is safe."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import BusyError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("doctor")
_repair = load("repair")
_letters = load("dead_letter")
EVERY_SECONDS = 30.0
GRACE_SECONDS = 30.0  # what a restart of the workers may take
_BATCH = 50
_MOST_LETTERS = 10_000

JOIN_IS_SHORT = "it waits for more tasks than are open"
LEFT_OVER = "its run has ended without it"
RESCUED_ELSEWHERE = "its worker is gone and it was not rescued"
# What waking does not help: the ticket would have to be made up.
NOT_SAFE = frozenset({"it waits for a lock and does not stand in line", RESCUED_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    tenant_id: UUID
    workflow_run_id: UUID
    problem: str


def look_for_stuck_tasks(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Name stuck tasks in the log, repair what is safe, and count what is left for the health page. One worker does it for all; returns how many it found."""
    if _sql.take_turn.one(connection, every_seconds=EVERY_SECONDS) is None:
        return 0
    _letters.measure.run(connection, cap=_MOST_LETTERS)
    found = _sql.stuck.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    for task in found:
        _logger.error("task %s of run %s is stuck: %s", task["task_id"], task["workflow_run_id"], task["problem"])
    left = found
    if found:
        _count_repaired(connection, mend_tasks(connection, found))
        left = _sql.stuck.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    problems = len(left) + _say_other_problems(connection)
    _sql.write_down.run(connection, quantity=problems)
    return max(len(found), problems)


def _say_other_problems(connection: Connection) -> int:
    """What flow control holds up for no reason, and schedules that do not go on. Returns how many of the former."""
    held_up = _sql.flow_problems.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH)
    for problem in held_up:
        _logger.error("flow control, run %s: %s", problem["workflow_run_id"], problem["problem"])
    for schedule in _sql.schedules.many(connection, grace_seconds=GRACE_SECONDS, quantity=_BATCH):
        _logger.error("schedule %s does not go on: %s", schedule["schedule_id"], schedule["problem"])
    return len(held_up)


def examine(connection: Connection, *, grace_seconds: float = GRACE_SECONDS, quantity: int = 1000) -> list[Finding]:
    """Everything that must not be: stuck tasks, and rows that contradict each other. Reads every table."""
    tasks = _sql.stuck.many(connection, grace_seconds=grace_seconds, quantity=quantity)
    rows = _sql.inconsistent.many(connection, quantity=quantity)
    held_up = _sql.flow_problems.many(connection, grace_seconds=grace_seconds, quantity=quantity)
    rows += held_up
    said = [Finding(row["tenant_id"], row["workflow_run_id"], _words(row)) for row in tasks]
    return said + [Finding(row["tenant_id"], row["workflow_run_id"], row["problem"]) for row in rows]


def repair(connection: Connection, *, grace_seconds: float = GRACE_SECONDS, quantity: int = 1000) -> int:
    """Put right what is safe to; returns how much. What is in somebody's hands at this moment is left to another time."""
    done = mend_tasks(connection, _sql.stuck.many(connection, grace_seconds=grace_seconds, quantity=quantity))
    for query in (_repair.derive_status, _repair.drop_waits, _repair.drop_tickets):
        done += len(query.many(connection, quantity=quantity))
    _count_repaired(connection, done)
    return done


def mend_tasks(connection: Connection, found: list[Row]) -> int:
    """Put stuck tasks right, each as it was found; one that has moved on meanwhile is left alone. Returns how many."""
    done = 0
    for task in found:
        if task["problem"] in NOT_SAFE:
            continue
        try:
            with connection.transaction():
                done += _mend(connection, task)
        except BusyError as error:
            _logger.info("task %s could not be repaired now: %s", task["task_id"], error)
    return done


def _mend(connection: Connection, task: Row) -> int:
    which = {"tenant_id": task["tenant_id"], "task_id": task["task_id"]}
    if task["problem"] == LEFT_OVER:
        run = {"tenant_id": task["tenant_id"], "workflow_run_id": task["workflow_run_id"]}
        _repair.hold_run.one(connection, **run)
        _repair.end_leftover.run(connection, **run, task_id=task["task_id"])
        return 1
    if task["problem"] == JOIN_IS_SHORT:
        if _repair.hold.one(connection, **which, epoch=task["epoch"]) is None:
            return 0
        _repair.recount_join.run(connection, **which)
    woken = _repair.wake.many(
        connection, tenant_ids=[task["tenant_id"]], task_ids=[task["task_id"]], epochs=[task["epoch"]]
    )
    return len(woken)


def _count_repaired(connection: Connection, number: int) -> None:
    if number:
        load("sweep").count_up.run(connection, measure="repaired", by=number)


def _words(row: Row) -> str:
    name = f"task {row['key']!r}" if row["key"] else "its own task"
    return f"{name} is {row['state']}: {row['problem']}"
