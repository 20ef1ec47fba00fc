"""A database with a past: many finished runs, some open ones, for tests that look at plans."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from uuid import UUID, uuid4

import psycopg

from tests.support.databases import Database, clone
from tests.support.session import Session

_DEFINITION = """
INSERT INTO highway.workflow_definition (tenant_id, definition_id, definition_hash, name, version, definition, source_format)
SELECT %(tenant)s, gen_random_uuid(), md5(n::text) || md5(n::text), 'flow_' || n, 1, '{}', 'json' FROM generate_series(1, 50) AS n;
"""
_FINISHED = """
WITH run AS (
    INSERT INTO highway.workflow_run (tenant_id, workflow_run_id, definition_id, definition_hash, name, version, status, created_at,
                                      started_at, finished_at, parent_run_id, parent_key)
    SELECT %(tenant)s, (left(highway.uuid7_from(now() - interval '1 day')::text, 14) || '7' || right(gen_random_uuid()::text, 21))::uuid,
           %(tenant)s, 'h', 'flow_' || n %% 50, 1, CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'completed' END,
           now() - interval '1 day', now(), now(), CASE WHEN n %% 20 = 1 THEN %(tenant)s::uuid END, CASE WHEN n %% 20 = 1 THEN n::text END
      FROM generate_series(1, %(runs)s) AS n
    RETURNING tenant_id, workflow_run_id, status, parent_run_id, parent_key
), own AS (
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, state, queue, attempt, epoch, available_at, finished_at,
                              parent_task_id, report_key)
    SELECT r.tenant_id, r.workflow_run_id, r.workflow_run_id, 'workflow', r.status, 'default', 1, 1, now(), now(), r.parent_run_id, r.parent_key
      FROM run AS r
), told AS (
    INSERT INTO highway.journal (tenant_id, workflow_run_id, kind) SELECT r.tenant_id, r.workflow_run_id, 'log' FROM run AS r
), heard AS (
    INSERT INTO highway.event (tenant_id, workflow_run_id, name) SELECT r.tenant_id, r.workflow_run_id, 'done' FROM run AS r LIMIT 20000
), signalled AS (
    INSERT INTO highway.signal (tenant_id, workflow_run_id, name) SELECT r.tenant_id, r.workflow_run_id, 'done' FROM run AS r LIMIT 20000
), marked AS (
    INSERT INTO highway.run_attribute (tenant_id, name, value, workflow_run_id)
    SELECT r.tenant_id, a.name, a.value, r.workflow_run_id
      FROM (SELECT r.*, row_number() OVER () AS n FROM run AS r) AS r
     CROSS JOIN LATERAL (VALUES ('#', 'eu'), ('customer', (r.n %% 5000)::text)) AS a (name, value)
), set AS (
    INSERT INTO highway.variable (tenant_id, workflow_run_id, scope, name)
    SELECT r.tenant_id, r.workflow_run_id, '', 'v' FROM run AS r LIMIT 20000
)
INSERT INTO highway.checkpoint (tenant_id, workflow_run_id, scope, step_key, operator, outcome, started_at)
SELECT r.tenant_id, r.workflow_run_id, '', 'only', 'task', 'succeeded', now() FROM run AS r;
"""
# What seldom exists is there, too: a table without rows is read from one end to the other, whatever its indexes.
_SELDOM = """
WITH run AS (SELECT r.tenant_id, r.workflow_run_id, row_number() OVER () AS n FROM highway.workflow_run AS r LIMIT 20000), undo AS (
    INSERT INTO highway.compensation (tenant_id, workflow_run_id, scope, step_key, call) SELECT r.tenant_id, r.workflow_run_id, '', 's', '{}' FROM run AS r
), asked AS (
    INSERT INTO highway.update_request (tenant_id, workflow_run_id, name, state, answered_at)
    SELECT r.tenant_id, r.workflow_run_id, 'u', 'completed', now() FROM run AS r
), question AS (
    INSERT INTO highway.approval (tenant_id, workflow_run_id, task_id, scope, step_key, key, message, stages, state, expires_at, decided_at)
    SELECT r.tenant_id, r.workflow_run_id, r.workflow_run_id, '', 's', 'key' || r.n, '?', '[{"approvers": [], "quorum": 1}]',
           CASE WHEN r.n % 100 = 0 THEN 'pending' ELSE 'approved' END, now() + interval '1 day', CASE WHEN r.n % 100 > 0 THEN now() END
      FROM run AS r
    RETURNING tenant_id, approval_id
), vote AS (
    INSERT INTO highway.approval_vote (tenant_id, approval_id, stage, person, vote) SELECT q.tenant_id, q.approval_id, 0, 'ann', 'approve' FROM question AS q
), link AS (
    INSERT INTO highway.approval_token (tenant_id, digest, approval_id, person) SELECT q.tenant_id, q.approval_id::text, q.approval_id, 'ann' FROM question AS q
), letter AS (
    INSERT INTO highway.dead_letter (tenant_id, reason, workflow_run_id, error, requeued_at, requeued_run_id)
    SELECT r.tenant_id, 'activity', r.workflow_run_id, '{}', now(), r.workflow_run_id FROM run AS r
), lock AS (
    INSERT INTO highway.named_lock (tenant_id, name, workflow_run_id, task_id, scope, step_key, acquired_at)
    SELECT r.tenant_id, 'lock' || r.n, r.workflow_run_id, r.workflow_run_id, '', 's', now() FROM run AS r
), breaker AS (
    INSERT INTO highway.breaker (tenant_id, resource_key) SELECT r.tenant_id, 'resource' || r.n FROM run AS r
), policy AS (
    INSERT INTO highway.retention_policy (tenant_id) SELECT gen_random_uuid() FROM run
), blob AS (
    INSERT INTO highway.blob (tenant_id, sha256, bytes, content) SELECT r.tenant_id, md5(r.n::text) || md5(r.n::text), 1, 'x' FROM run AS r
), artifact AS (
    INSERT INTO highway.artifact (tenant_id, sha256, bytes, content) SELECT r.tenant_id, md5(r.n::text) || md5(r.n::text), 1, 'x' FROM run AS r
), used AS (
    INSERT INTO highway.run_code (tenant_id, workflow_run_id, reference, sha256)
    SELECT r.tenant_id, r.workflow_run_id, 'artifact:' || r.n, md5(r.n::text) || md5(r.n::text) FROM run AS r
), reference AS (
    INSERT INTO highway.blob_reference (tenant_id, workflow_run_id, sha256)
    SELECT r.tenant_id, r.workflow_run_id, md5(r.n::text) || md5(r.n::text) FROM run AS r
)
INSERT INTO highway.idempotency (tenant_id, key, request_hash, response_status, workflow_run_id, expires_at)
SELECT r.tenant_id, 'key' || r.n, '', 200, r.workflow_run_id, now() + interval '1 day' FROM run AS r;
"""
_OPEN = """
WITH run AS (
    INSERT INTO highway.workflow_run (tenant_id, workflow_run_id, definition_id, definition_hash, name, version, status, parent_run_id, parent_key,
                                      deadline_at)
    SELECT %(tenant)s, highway.uuid7(), %(tenant)s, 'h', 'flow_' || n %% 50, 1, %(state)s, CASE WHEN n %% 20 = 1 THEN highway.uuid7() END,
           CASE WHEN n %% 20 = 1 THEN 'open' || n END, now() + interval '1 day'
      FROM generate_series(1, %(runs)s) AS n
    RETURNING tenant_id, workflow_run_id, parent_run_id, parent_key
), own AS (
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, state, queue, attempt, epoch, available_at, claimed_by, claimed_at,
                              parent_task_id, report_key)
    SELECT r.tenant_id, r.workflow_run_id, r.workflow_run_id, 'workflow', %(state)s, 'default', 1, 1,
           CASE WHEN %(state)s <> 'sleeping' THEN now() END, CASE WHEN %(state)s = 'running' THEN %(worker)s::uuid END, now(),
           r.parent_run_id, r.parent_key
      FROM run AS r
)
INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, event_name)
SELECT r.tenant_id, r.workflow_run_id, 'hear', r.workflow_run_id, 'event', 'go' FROM run AS r WHERE %(state)s = 'sleeping'
RETURNING task_id;
"""
_LIMITS = """
WITH made AS (
    INSERT INTO highway.flow_limit (tenant_id, kind, key, capacity) SELECT %(tenant)s, 'concurrency', 'key_' || n, 10 FROM generate_series(1, 1000) AS n
), said AS (
    INSERT INTO highway.tenant_policy (tenant_id, weight) SELECT gen_random_uuid(), 2 FROM generate_series(1, 2000)
), known AS (
    INSERT INTO highway.embedding (tenant_id, model, digest, embedding, expires_at)
    SELECT %(tenant)s, 'm', lpad(n::text, 64, '0'), '{1}', now() + interval '1 day' FROM generate_series(1, 5000) AS n
), shelved AS (
    INSERT INTO highway.passage (tenant_id, collection, document_id, position, model, content, embedding)
    SELECT %(tenant)s, 'collection_' || n %% 100, n::text, 0, 'm', 'x', '{1}' FROM generate_series(1, 5000) AS n
)
INSERT INTO highway.slot (tenant_id, key, task_id, workflow_run_id, granted_at)
SELECT t.tenant_id, 'key_' || row_number() OVER () %% 1000, t.task_id, t.workflow_run_id, CASE WHEN random() < 0.3 THEN now() END
  FROM highway.task AS t WHERE t.state = 'sleeping';
"""
_KEYS = """
INSERT INTO highway.run_key (tenant_id, kind, key, workflow_run_id)
SELECT t.tenant_id, 'singleton', t.task_id::text, t.workflow_run_id FROM highway.task AS t WHERE t.state = 'sleeping'
"""
_SCHEDULES = """
WITH made AS (
    INSERT INTO highway.schedule (tenant_id, name, workflow_name, timing, next_at, due_at, checked_at)
    SELECT %(tenant)s, 's' || n, 'flow_3', '0 2 * * *', now() + n * interval '1 second', now() + n * interval '1 second', now() - interval '1 day'
      FROM generate_series(1, 20000) AS n
    RETURNING tenant_id, schedule_id, name
)
INSERT INTO highway.schedule_tick (tenant_id, schedule_id, tick_at, kind, outcome, workflow_run_id)
SELECT m.tenant_id, m.schedule_id, now() - n * interval '1 minute', 'scheduled', CASE WHEN n > 40 THEN 'fired' WHEN n = 1 AND m.name = 's1' THEN 'waiting'
       ELSE 'missed' END, CASE WHEN n > 40 THEN highway.uuid7() END
  FROM made AS m CROSS JOIN generate_series(1, 60) AS n
 WHERE m.name IN ('s1', 's2', 's3') OR n <= 2
RETURNING schedule_id;
"""


_ACTIVITIES = """
WITH act AS (
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, key, state, queue, attempt, epoch, available_at, claimed_by, claimed_at)
    SELECT r.tenant_id, highway.uuid7(), r.workflow_run_id, 'activity', 'work', s.state, 'default:activities', 1, 1, now(),
           CASE WHEN s.state = 'running' THEN %(worker)s::uuid END, now()
      FROM (VALUES ('completed', 20000), ('pending', 200), ('sleeping', 200), ('running', 100)) AS s (state, quantity)
     CROSS JOIN LATERAL (SELECT o.* FROM highway.workflow_run AS o WHERE o.status = s.state LIMIT s.quantity) AS r
    RETURNING tenant_id, task_id, state
), planned AS (
    INSERT INTO highway.activity (tenant_id, task_id, function, start_by, close_by, heartbeat_seconds, epoch, attempt, started_at)
    SELECT a.tenant_id, a.task_id, 'f', CASE WHEN a.state = 'pending' THEN now() + interval '1 day' END, now() + interval '1 day', 3600, 1, 1,
           CASE WHEN a.state <> 'pending' THEN now() END
      FROM act AS a
    RETURNING tenant_id, task_id
)
INSERT INTO highway.activity_heartbeat (tenant_id, task_id, slot, number, at, attempt)
SELECT p.tenant_id, p.task_id, 0, 1, now(), 1 FROM planned AS p;
"""


@dataclass
class History:
    """Who is in it: a tenant with nearly everything, one run of each state, and a running activity under "activity"."""

    tenant: UUID = field(default_factory=uuid4)
    worker: UUID = field(default_factory=uuid4)
    schedule: UUID = field(default_factory=uuid4)
    definition: UUID = field(default_factory=uuid4)
    runs: dict[str, UUID] = field(default_factory=dict)


# The planner is told that there are more rows than there are: a million, where 50,000 are. What it believes of sizes alone it cannot see itself.
_ENLARGE = """
SELECT count(pg_restore_relation_stats('schemaname', 'highway', 'relname', c.relname::text, 'reltuples', (c.reltuples * %s)::real,
                                       'relpages', c.relpages, 'relallvisible', c.relallvisible))
  FROM pg_class AS c
 WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind IN ('r', 'i') AND c.reltuples >= 20000
"""
AS_MANY = 1_000_000  # runs, by the statistics


def shared_history(session: Session) -> tuple[Database, History]:
    """The history of this test session, made by whichever test process comes first. Whoever reads it leaves it as it was.

    ``HIGHWAY_PLAN_RUNS=1000000`` makes so many runs for real.
    """
    database = Database(session, "test_history")
    kept = session.folder / "history.json"
    with (session.folder / "history.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            database.drop()
            history = make_history(
                clone(session, "engine", database.name), finished=int(os.environ.get("HIGHWAY_PLAN_RUNS", "50000"))
            )
            kept.write_text(json.dumps(asdict(history), default=str))
    data = json.loads(kept.read_text())
    runs = {state: UUID(run) for state, run in data.pop("runs").items()}
    return database, History(**{name: UUID(value) for name, value in data.items()}, runs=runs)


def make_history(database: Database, *, finished: int = 50_000) -> History:
    """Fill the database and bring its statistics up to date."""
    history = History()
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        who = {"tenant": history.tenant, "worker": history.worker}
        connection.execute(
            "INSERT INTO highway.worker (worker_id, name, lock_key, queues, slots, lease_expires_at) VALUES (%s, 'w', 1, '{}', 1, now() + '1 day')",
            [history.worker],
        )
        connection.execute(_DEFINITION, who)
        connection.execute(_FINISHED, who | {"runs": finished})
        connection.execute(_SELDOM)
        for state, runs in (("pending", 1_500), ("running", 500), ("sleeping", 10_000)):
            connection.execute(_OPEN, who | {"runs": runs, "state": state})
        connection.execute(_LIMITS, who)
        connection.execute(_KEYS)
        connection.execute(_SCHEDULES, who)
        connection.execute(_ACTIVITIES, who)
        connection.execute("VACUUM ANALYZE")
        (history.schedule,) = (
            connection.execute("SELECT schedule_id FROM highway.schedule WHERE name = 's1'").fetchone() or ()
        )
        (history.definition,) = (
            connection.execute("SELECT definition_id FROM highway.workflow_definition WHERE name = 'flow_3'").fetchone()
            or ()
        )
        for state, run in connection.execute(
            "SELECT status, min(workflow_run_id::text)::uuid FROM highway.workflow_run GROUP BY 1"
        ):
            history.runs[state] = run
        history.runs["activity"] = connection.execute(
            "SELECT min(task_id::text)::uuid FROM highway.task WHERE kind = 'activity' AND state = 'running'"
        ).fetchone()[0]  # type: ignore[index]
        connection.execute(_ENLARGE, [max(1.0, AS_MANY / finished)])
    return history
