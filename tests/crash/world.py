"""What requests are made of: runs, schedules, letters, workers and the like, in the state that a request needs."""

from __future__ import annotations

import itertools
import uuid
from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.kit.ids import uuid7
from engine.model.activity import ActivityPlan
from engine.queue.writes import ForkWrite, TaskWrites, WaitWrite
from tests.support.approving import question
from tests.support.archives import zipped
from tests.support.databases import Database
from tests.support.meeting import HEAR, Meeting
from tests.support.runs import scalar, write

ACME, OTHER = "acme", "other"


class World:
    """Two tenants without workers, so that nothing changes but by requests. From one thread only."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.superuser = psycopg.connect(database.superuser, autocommit=True)
        self._numbers = itertools.count(1)
        self.tenants = {slug: self._tenant(slug) for slug in (ACME, OTHER)}
        self.meeting = Meeting(database, self.tenants[ACME])

    def close(self) -> None:
        """End the sessions; workers that were pretended to be alive are gone then."""
        self.superuser.close()

    def name(self) -> str:
        """A name that nothing has yet."""
        return f"n{next(self._numbers)}-{uuid.uuid4().hex[:8]}"

    def open_run(self) -> str:
        """A run that sleeps until an event."""
        return str(self.meeting.asleep())

    def unstarted_run(self) -> str:
        """A run that would start in an hour."""
        return str(self.meeting.start(delay_seconds=3600))

    def paused_run(self) -> str:
        """A run that is paused."""
        run = self.meeting.asleep()
        with connect(self.database.worker) as connection:
            facade.pause(connection, tenant_id=self.meeting.tenant, workflow_run_id=run)
        return str(run)

    def failed_run(self) -> str:
        """A run that has failed."""
        return str(self.meeting.failed())

    def exhausted_run(self) -> str:
        """A run whose step ``a`` waits for a person."""
        return str(self.meeting.exhausted())

    def tagged_run(self) -> str:
        """The tag of an open run."""
        tag = self.name()
        self.meeting.start(tags=[tag], delay_seconds=3600)
        return tag

    def activity(self) -> str:
        """An activity that waits for a worker, with an old heartbeat."""
        task, activity = self.meeting.taken(), uuid7()
        fork = ForkWrite(activity, "work", "activity", [], {}, {}, "work:over", ActivityPlan("f"))
        write(self.database.worker, TaskWrites(task, forks=[fork], waits=[HEAR]))
        self._insert(
            "activity_heartbeat (tenant_id, task_id, slot, number, at, attempt) VALUES (%s, %s, 1, 1, now() - interval '9 days', 1)",
            self.meeting.tenant,
            activity,
        )
        return str(activity)

    def schedule(self, state: str = "active") -> str:
        """A schedule that comes once a day, and never by itself here."""
        self.open_run()  # registers the workflow
        times = "now() + interval '1 day', CASE WHEN %s = 'active' THEN now() + interval '1 day' END, CASE WHEN %s = 'paused' THEN now() END"
        return self._insert(
            "schedule (tenant_id, name, workflow_name, timing, overlap, state, next_at, due_at, paused_at) "
            f"VALUES (%s, %s, 'one_task', '0 2 * * *', 'allow', %s, {times}) RETURNING schedule_id",
            self.meeting.tenant,
            self.name(),
            state,
            state,
            state,
        )

    def approval(self) -> str:
        """A question that waits for somebody."""
        run = self.meeting.asleep(WaitWrite("ask", "approval", request=question()))
        with connect(self.database.worker) as connection:
            (asked,) = facade.approvals_of_run(connection, tenant_id=self.meeting.tenant, workflow_run_id=run)
        return str(asked.approval_id)

    def letter(self, reason: str = "poison") -> str:
        """A dead letter about a run that has failed."""
        return self._insert(
            "dead_letter (tenant_id, reason, workflow_run_id, error) VALUES (%s, %s, %s, '{}') RETURNING dead_letter_id",
            self.meeting.tenant,
            reason,
            UUID(self.failed_run()),
        )

    def breaker(self, tenant: str = ACME) -> str:
        """An open circuit breaker."""
        values = "(%s, %s, 'open', now() + interval '1 hour') RETURNING resource_key"
        return self._insert(
            f"breaker (tenant_id, resource_key, state, open_until) VALUES {values}", self.tenants[tenant], self.name()
        )

    def artifact(self) -> str:
        """An artifact that nothing uses."""
        with connect(self.database.worker) as connection:
            content = zipped({"m.py": f"mark = {self.name()!r}"})
            return facade.store_artifact(connection, tenant_id=self.meeting.tenant, content=content)[0]

    def module_name(self) -> str:
        """A name that no module has yet."""
        return self.name().replace("-", "_")

    def module(self) -> str:
        """A module of one version."""
        name = self.module_name()
        with connect(self.database.worker) as connection:
            facade.store_module(connection, tenant_id=self.meeting.tenant, name=name, content=b"def f(ctx): return 1")
        return name

    def queue(self) -> str:
        """A queue about which something was said."""
        return self._insert(
            "queue_policy (tenant_id, queue) VALUES (%s, %s) RETURNING queue", self.meeting.tenant, self.name()
        )

    def limit(self) -> str:
        """A limit that somebody has used."""
        return self._insert(
            "flow_limit (tenant_id, kind, key, capacity) VALUES (%s, 'concurrency', %s, 1) RETURNING key",
            self.meeting.tenant,
            self.name(),
        )

    def used_key(self, tenant: str = ACME) -> str:
        """An idempotency key that was answered."""
        return self._insert(
            "idempotency (tenant_id, key, request_hash, response_status, expires_at) "
            "VALUES (%s, %s, 'h', 200, now() + interval '1 day') RETURNING key",
            self.tenants[tenant],
            self.name(),
        )

    def worker(self, *, is_alive: bool = True) -> str:
        """A worker on the list; one that is alive has a session that holds its lock."""
        lock = uuid.uuid4().int % 2**62
        if is_alive:
            self.superuser.execute("SELECT pg_advisory_lock(%s)", [lock])
        return self._insert(
            "worker (worker_id, name, lock_key, queues, slots, lease_expires_at) "
            "VALUES (gen_random_uuid(), %s, %s, '{none}', 1, now() + interval '1 hour') RETURNING worker_id",
            self.name(),
            lock,
        )

    def _insert(self, what: str, *values: Any) -> str:
        row = self.superuser.execute(f"INSERT INTO highway.{what}".encode(), values)
        return str(found[0]) if row.description and (found := row.fetchone()) else ""

    def _tenant(self, slug: str) -> UUID:
        found: UUID = scalar(self.superuser, "SELECT id FROM tenants_tenant WHERE slug = %s", slug)
        return found
