"""The pages of queues: how full they are, who serves them, and what the platform says about the tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from engine import facade
from engine.model.flow import QueueView, TenantPolicy
from engine.model.insight import OPEN_STATES, TASK_STATES, FleetWorker, TaskFilter, TaskRow
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading
from workflows.pages.tags import tag_of

ENDED_STATES = tuple(state for state in TASK_STATES if state not in OPEN_STATES)
HOUR = timedelta(hours=1)
TASKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue with how it is doing. ``oldest_at``: since when its longest waiting task could be taken; ``done``: tasks of the last hour that ended."""

    queue: QueueView
    oldest_at: datetime | None
    done: int

    @property
    def state(self) -> str:
        """Its visual state, the most telling one."""
        if self.queue.paused_at or self.queue.platform_paused:
            return "paused"
        if self.queue.pending and not self.queue.workers:
            return "timedout"
        return "skipped" if self.queue.draining else "succeeded"

    @property
    def word(self) -> str:
        """The word for it."""
        if self.queue.platform_paused and not self.queue.paused_at:
            return _("Paused by the platform")
        words = {"paused": _("Paused"), "timedout": _("No worker"), "skipped": _("Draining"), "succeeded": _("Active")}
        return words[self.state]


@dataclass(frozen=True, slots=True)
class QueuesPage:
    """The list, and the tenant's own standing."""

    lines: list[QueueLine]
    policy: TenantPolicy
    tag: str

    @property
    def running(self) -> int:
        return sum(line.queue.running for line in self.lines)

    @property
    def pending(self) -> int:
        return sum(line.queue.pending for line in self.lines)


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One queue with the tasks that are in it and the workers that serve it, as far as one may see them."""

    line: QueueLine
    tasks: Sequence[TaskRow]
    workers: Sequence[FleetWorker]
    tag: str


def load_queues(grant: Grant) -> QueuesPage:
    """Every queue that concerns the tenant."""
    with reading(grant) as connection:
        lines = _lines(connection, grant, facade.list_queues(connection, tenant_id=grant.tenant_id))
        policy = facade.get_tenant_policy(connection, tenant_id=grant.tenant_id)
    return QueuesPage(lines, policy, tag_of(lines, policy))


def load_queue(grant: Grant, name: str) -> QueuePage:
    """One queue, as the tenant sees it."""
    with reading(grant) as connection:
        found = facade.get_queue(connection, tenant_id=grant.tenant_id, name=name)
        (line,) = _lines(connection, grant, [found])
        chosen = TaskFilter(states=("pending", "running"), queues=(name,))
        tasks: Sequence[TaskRow] = ()
        workers: Sequence[FleetWorker] = ()
        if grant.permits("workflows.run:read"):
            tasks = facade.list_tasks(connection, tenant_id=grant.tenant_id, chosen=chosen, quantity=TASKS_SHOWN)
        if grant.permits("workflows.worker:read"):
            workers = facade.list_fleet(connection, queue=name)
    seen = [(worker.worker_id, worker.status, worker.running) for worker in workers]
    return QueuePage(line, tasks, workers, tag_of(line, [(task.task_id, task.state) for task in tasks], seen))


def _lines(connection: Any, grant: Grant, queues: list[QueueView]) -> list[QueueLine]:
    names = [queue.name for queue in queues]
    if not names:
        return []
    now = timezone.now()
    which: dict[str, Any] = {"tenant_id": grant.tenant_id}
    oldest = facade.oldest_pending(connection, **which, queues=names)
    ended = facade.count_tasks(connection, **which, queues=tuple(names), states=ENDED_STATES, created_from=now - HOUR)
    done: dict[str, int] = {}
    for count in ended:
        done[count.queue] = done.get(count.queue, 0) + count.tasks
    return [QueueLine(queue, _since(now, oldest.get(queue.name)), done.get(queue.name, 0)) for queue in queues]


def _since(now: datetime, seconds: float | None) -> datetime | None:
    """To the second: what does not change reads the same at every poll."""
    return None if seconds is None else (now - timedelta(seconds=seconds)).replace(microsecond=0)
