"""The pages of workers: the fleet, and one of it. They belong to no tenant; nothing of any tenant is on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.http import Http404

from engine import facade
from engine.model.insight import FleetWorker
from highway_platform.kit.permissions import Grant
from workflows.fleet.schemas import WorkerQuery
from workflows.fleet.services import worker_get, worker_list
from workflows.insight.queues import fleet_counts
from workflows.pages.tags import tag_of

STATUSES = ("online", "paused", "draining", "offline")
STATES = {"online": "succeeded", "paused": "paused", "draining": "skipped", "offline": "timedout"}


@dataclass(frozen=True, slots=True)
class StatusTile:
    """How many workers are of a status; pressing it shows them alone."""

    status: str
    state: str
    count: int
    href: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class WorkersPage:
    """The fleet, or those of one status; ``running`` of ``capacity`` tasks are what those that are online hold."""

    workers: list[FleetWorker]
    tiles: list[StatusTile]
    running: int
    capacity: int
    total: int
    tag: str


def load_workers(grant: Grant, status: str) -> WorkersPage:
    """Workers by name."""
    fleet = worker_list(grant, WorkerQuery())
    counts = fleet_counts(fleet)
    shown = [worker for worker in fleet if status not in STATUSES or worker.status == status]
    return WorkersPage(
        workers=shown,
        tiles=[_tile(name, counts[name], status) for name in STATUSES],
        running=sum(worker.running for worker in fleet if worker.status == "online"),
        capacity=counts["total_capacity"],
        total=len(fleet),
        tag=tag_of([_lasting(worker) for worker in shown], counts),
    )


def load_worker(grant: Grant, worker_id: UUID) -> FleetWorker:
    """One worker."""
    try:
        return worker_get(grant, worker_id)
    except facade.NotFoundError as missing:
        raise Http404 from missing


def worker_tag(worker: FleetWorker) -> str:
    """What changes when the worker does; that it was seen again a second later is no change, that it was not for ten is."""
    return tag_of(_lasting(worker))


def _lasting(worker: FleetWorker) -> FleetWorker:
    seen = worker.last_seen_at
    return replace(worker, last_seen_at=seen.replace(second=seen.second // 10 * 10, microsecond=0))


def _tile(status: str, count: int, asked: str) -> StatusTile:
    is_on = status == asked
    return StatusTile(status, STATES[status], count, "?" if is_on else f"?status={status}", is_on)
