"""The workers of the installation: who there is, and what they are told. They belong to no tenant, and their rows name none."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError, StateError, translated
from engine.db.queries import load
from engine.model.insight import FleetWorker

_sql = load("fleet")
MOST_WORKERS = 1_000


def list_fleet(
    connection: Connection, *, status: str | None = None, queue: str | None = None, machine: str | None = None
) -> list[FleetWorker]:
    """Workers by name, at most `MOST_WORKERS`; also those that are gone and were not taken off the list yet."""
    with translated():
        rows = _sql.list.many(
            connection, worker_id=None, status=status, queue=queue, machine=machine, quantity=MOST_WORKERS
        )
    return [FleetWorker(**row) for row in rows]


def get_worker(connection: Connection, *, worker_id: UUID) -> FleetWorker:
    """One worker. Raises `NotFoundError`."""
    with translated():
        row = _sql.list.one(connection, worker_id=worker_id, status=None, queue=None, machine=None, quantity=1)
    if row is None:
        raise NotFoundError(f"no worker {worker_id}")
    return FleetWorker(**row)


def order_worker(connection: Connection, *, worker_id: UUID, state: str, reason: str = "") -> FleetWorker:
    """Tell a worker to be active, paused or draining. It hears of it within a second. Raises `StateError` when it is offline."""
    with translated(), connection.transaction():
        _sql.order.one(connection, worker_id=worker_id, state=state, reason=reason)
        return _alive(get_worker(connection, worker_id=worker_id))


def limit_worker(
    connection: Connection,
    *,
    worker_id: UUID,
    capacity: int | None = None,
    set_capacity: bool = False,
    batch: int | None = None,
    set_batch: bool = False,
) -> FleetWorker:
    """Change how many tasks a worker holds, and how many it takes at a time; None: as it was started. Raises `StateError` when it is offline."""
    with translated(), connection.transaction():
        _sql.limit.one(
            connection,
            worker_id=worker_id,
            set_capacity=set_capacity,
            capacity=capacity,
            set_batch=set_batch,
            batch=batch,
        )
        return _alive(get_worker(connection, worker_id=worker_id))


def forget_worker(connection: Connection, *, worker_id: UUID) -> None:
    """Take a worker off the list that is gone; its tasks are free for others. Raises `StateError` for one that is alive: drain it first."""
    with translated(), connection.transaction():
        if _sql.forget.many(connection, worker_id=worker_id, silent_seconds=float("inf")):
            return
        worker = get_worker(connection, worker_id=worker_id)
        raise StateError(f"worker {worker.name} is alive; drain it, and it leaves by itself")


def forget_silent_workers(connection: Connection, *, silent_seconds: float) -> list[UUID]:
    """Take every worker off the list that is gone or was silent for so long; their tasks are free for others. Gives their ids."""
    with translated(), connection.transaction():
        rows = _sql.forget.many(connection, worker_id=None, silent_seconds=silent_seconds)
    return [row["worker_id"] for row in rows]


def _alive(worker: FleetWorker) -> FleetWorker:
    if worker.status == "offline":
        raise StateError(f"worker {worker.name} is offline and hears nothing")
    return worker
