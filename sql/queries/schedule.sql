-- name: take_due() :one
-- Holds one schedule whose next tick is due, the one that is due longest, and tells the time; passes by those that others hold.
SELECT s.*, highway.now() AS now,
       coalesce(s.definition_id, (SELECT d.definition_id FROM highway.workflow_definition AS d
                                   WHERE d.tenant_id = s.tenant_id AND d.name = s.workflow_name ORDER BY d.version DESC LIMIT 1)) AS runs_definition
  FROM highway.schedule AS s
 WHERE s.state = 'active' AND s.due_at <= highway.now()
 ORDER BY s.due_at
 LIMIT 1
   FOR NO KEY UPDATE OF s SKIP LOCKED;

-- name: take_waiting(after_tenant, after_schedule) :one
-- Holds the next schedule, in the order of ids, that has a tick waiting and no open run that it waits for; passes by those that others hold.
WITH RECURSIVE place (tenant_id, schedule_id) AS (
    (SELECT t.tenant_id, t.schedule_id FROM highway.schedule_tick AS t
      WHERE t.outcome = 'waiting' AND (t.tenant_id, t.schedule_id) > (%(after_tenant)s::uuid, %(after_schedule)s::uuid)
      ORDER BY t.tenant_id, t.schedule_id LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.schedule_id
      FROM place AS p
     CROSS JOIN LATERAL (SELECT t.tenant_id, t.schedule_id FROM highway.schedule_tick AS t
                          WHERE t.outcome = 'waiting' AND (t.tenant_id, t.schedule_id) > (p.tenant_id, p.schedule_id)
                          ORDER BY t.tenant_id, t.schedule_id LIMIT 1) AS n
)
SELECT s.*, highway.now() AS now,
       coalesce(s.definition_id, (SELECT d.definition_id FROM highway.workflow_definition AS d
                                   WHERE d.tenant_id = s.tenant_id AND d.name = s.workflow_name ORDER BY d.version DESC LIMIT 1)) AS runs_definition
  FROM place AS p
  JOIN highway.schedule AS s USING (tenant_id, schedule_id)
 WHERE EXISTS (SELECT FROM highway.schedule_tick AS t
                WHERE t.tenant_id = s.tenant_id AND t.schedule_id = s.schedule_id AND t.outcome = 'waiting'
                  AND (s.state <> 'paused' OR t.kind <> 'scheduled'))
   AND NOT EXISTS (SELECT FROM highway.open_runs_of_schedule(s.tenant_id, s.schedule_id))
 ORDER BY s.tenant_id, s.schedule_id
 LIMIT 1
   FOR NO KEY UPDATE OF s SKIP LOCKED;

-- name: hold(tenant_id, schedule_id) :one
-- Holds one schedule that is not deleted, and tells the time.
SELECT s.*, highway.now() AS now,
       coalesce(s.definition_id, (SELECT d.definition_id FROM highway.workflow_definition AS d
                                   WHERE d.tenant_id = s.tenant_id AND d.name = s.workflow_name ORDER BY d.version DESC LIMIT 1)) AS runs_definition
  FROM highway.schedule AS s
 WHERE s.tenant_id = %(tenant_id)s AND s.schedule_id = %(schedule_id)s AND s.state <> 'deleted'
   FOR NO KEY UPDATE OF s;

-- name: hold_by_name(tenant_id, name) :one
-- Holds the schedule of a name, and tells the time.
SELECT s.*, highway.now() AS now FROM highway.schedule AS s
 WHERE s.tenant_id = %(tenant_id)s AND s.name = %(name)s AND s.state <> 'deleted'
   FOR NO KEY UPDATE OF s;

-- name: now() :one
-- The engine's time.
SELECT highway.now() AS now;

-- name: create(tenant_id, name, source, workflow_name, definition_id, timing, zone, skipped, doubled, overlap, catchup, catchup_limit, catchup_seconds, jitter_seconds, starts_at, ends_at, inputs, queue, priority, tags, max_failures, created_by) :one
-- A new schedule, ended until its chain is set; no row when the name is taken.
INSERT INTO highway.schedule (
       tenant_id, name, source, state, workflow_name, definition_id, timing, zone, skipped, doubled, overlap, catchup, catchup_limit,
       catchup_seconds, jitter_seconds, starts_at, ends_at, inputs, queue, priority, tags, max_failures, created_by)
VALUES (%(tenant_id)s, %(name)s, %(source)s, 'ended', %(workflow_name)s, %(definition_id)s, %(timing)s, %(zone)s, %(skipped)s, %(doubled)s,
        %(overlap)s, %(catchup)s, %(catchup_limit)s, %(catchup_seconds)s, %(jitter_seconds)s, %(starts_at)s, %(ends_at)s, %(inputs)s::jsonb,
        %(queue)s, %(priority)s, %(tags)s::text[], %(max_failures)s, %(created_by)s)
ON CONFLICT (tenant_id, name) WHERE state <> 'deleted' DO NOTHING
RETURNING schedule_id, anchor_at;

-- name: change(tenant_id, schedule_id, name, source, workflow_name, definition_id, timing, zone, skipped, doubled, overlap, catchup, catchup_limit, catchup_seconds, jitter_seconds, starts_at, ends_at, inputs, queue, priority, tags, max_failures) :exec
-- What a held schedule says from now on.
UPDATE highway.schedule
   SET name = %(name)s, source = %(source)s, workflow_name = %(workflow_name)s, definition_id = %(definition_id)s, timing = %(timing)s,
       zone = %(zone)s, skipped = %(skipped)s, doubled = %(doubled)s, overlap = %(overlap)s, catchup = %(catchup)s,
       catchup_limit = %(catchup_limit)s, catchup_seconds = %(catchup_seconds)s, jitter_seconds = %(jitter_seconds)s, starts_at = %(starts_at)s,
       ends_at = %(ends_at)s, inputs = %(inputs)s::jsonb, queue = %(queue)s, priority = %(priority)s, tags = %(tags)s::text[],
       max_failures = %(max_failures)s, updated_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s;

-- name: set_chain(tenant_id, schedule_id, expected, state, last_at, next_at, due_at, trouble) :one
-- How a held schedule goes on; no row when its chain is not where the caller read it.
UPDATE highway.schedule AS s
   SET state = %(state)s, last_at = %(last_at)s::timestamptz, next_at = %(next_at)s::timestamptz,
       due_at = CASE WHEN %(state)s = 'active' THEN %(due_at)s::timestamptz END,
       trouble = %(trouble)s, checked_at = highway.now()
 WHERE s.tenant_id = %(tenant_id)s AND s.schedule_id = %(schedule_id)s AND s.next_at IS NOT DISTINCT FROM %(expected)s::timestamptz
RETURNING s.schedule_id;

-- name: postpone(tenant_id, schedule_id, seconds, trouble) :exec
-- Looks again later at an active schedule that is in trouble; its chain stays where it is.
UPDATE highway.schedule
   SET due_at = highway.now() + make_interval(secs => %(seconds)s), trouble = %(trouble)s, checked_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s AND state = 'active';

-- name: pause(tenant_id, schedule_id, paused_by, reason) :exec
-- Stops a held schedule until it is resumed; its chain stays where it is.
UPDATE highway.schedule
   SET state = 'paused', due_at = NULL, paused_at = coalesce(paused_at, highway.now()), paused_by = %(paused_by)s, pause_reason = %(reason)s,
       updated_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s;

-- name: resume(tenant_id, schedule_id, state, due_at) :exec
-- Lets a held schedule go on; what it did not do meanwhile is up to its catch-up policy.
UPDATE highway.schedule
   SET state = %(state)s, due_at = %(due_at)s, paused_at = NULL, paused_by = NULL, pause_reason = NULL, resumed_at = highway.now(),
       updated_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s;

-- name: retire(tenant_id, schedule_id, state) :exec
-- Ends or deletes a held schedule; runs and ticks stay.
UPDATE highway.schedule
   SET state = %(state)s, due_at = NULL, paused_at = NULL, paused_by = NULL, pause_reason = NULL, trouble = NULL, updated_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s;

-- name: drop_waiting(tenant_id, schedule_id, reason) :exec
-- Ticks that waited for a run to end do not fire any more.
UPDATE highway.schedule_tick SET outcome = 'skipped', reason = %(reason)s, decided_at = highway.now()
 WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s AND outcome = 'waiting';

-- name: fire(tenant_id, schedule_id, tick_at, kind, definition_id, inputs, by, reason) :one
-- Fires one tick of a held schedule: its row and its run. NULL when it has fired before, or the definition is unknown.
SELECT highway.fire_tick(%(tenant_id)s, %(schedule_id)s, %(tick_at)s, %(kind)s, %(definition_id)s, %(inputs)s::jsonb, %(by)s, %(reason)s) AS workflow_run_id;

-- name: decide(tenant_id, schedule_id, ticks, outcomes, reasons) :exec
-- Ticks of a held schedule that do not fire now. What was decided before stays.
INSERT INTO highway.schedule_tick (tenant_id, schedule_id, tick_at, kind, outcome, reason, decided_at)
SELECT %(tenant_id)s, %(schedule_id)s, d.tick_at, 'scheduled', d.outcome, d.reason, highway.now()
  FROM unnest(%(ticks)s::timestamptz[], %(outcomes)s::text[], %(reasons)s::text[]) AS d (tick_at, outcome, reason)
ON CONFLICT (tenant_id, schedule_id, tick_at) DO NOTHING;

-- name: await_turn(tenant_id, schedule_id, ticks, kind, by) :many
-- Ticks that somebody asked for and that fire one after another, when no run is open. Those that have fired, or wait already, stay as they are.
INSERT INTO highway.schedule_tick AS t (tenant_id, schedule_id, tick_at, kind, outcome, reason, decided_at, decided_by)
SELECT %(tenant_id)s, %(schedule_id)s, a.tick_at, %(kind)s, 'waiting', 'waits for its turn', highway.now(), %(by)s
  FROM unnest(%(ticks)s::timestamptz[]) AS a (tick_at)
ON CONFLICT (tenant_id, schedule_id, tick_at)
DO UPDATE SET outcome = 'waiting', kind = excluded.kind, reason = excluded.reason, decided_at = excluded.decided_at, decided_by = excluded.decided_by
        WHERE t.outcome NOT IN ('fired', 'waiting')
RETURNING t.tick_at;

-- name: fail_tick(tenant_id, schedule_id, tick_at, kind, reason) :exec
-- A tick that could not fire, and why.
INSERT INTO highway.schedule_tick AS t (tenant_id, schedule_id, tick_at, kind, outcome, reason, decided_at)
VALUES (%(tenant_id)s, %(schedule_id)s, %(tick_at)s, %(kind)s, 'failed', %(reason)s, highway.now())
ON CONFLICT (tenant_id, schedule_id, tick_at)
DO UPDATE SET outcome = 'failed', reason = excluded.reason, decided_at = excluded.decided_at WHERE t.outcome <> 'fired';

-- name: busy(tenant_id, schedule_id) :one
-- How many runs of the schedule are open, and how many of its ticks wait.
SELECT (SELECT count(*) FROM highway.open_runs_of_schedule(%(tenant_id)s, %(schedule_id)s)) AS open_runs,
       (SELECT count(*) FROM highway.schedule_tick AS t
         WHERE t.tenant_id = %(tenant_id)s AND t.schedule_id = %(schedule_id)s AND t.outcome = 'waiting') AS waiting;

-- name: first_waiting(tenant_id, schedule_id) :one
-- The tick that waits longest; while the schedule is paused, of those that somebody asked for.
SELECT t.tick_at, t.kind FROM highway.schedule AS s
  JOIN highway.schedule_tick AS t USING (tenant_id, schedule_id)
 WHERE s.tenant_id = %(tenant_id)s AND s.schedule_id = %(schedule_id)s AND t.outcome = 'waiting'
   AND (s.state <> 'paused' OR t.kind <> 'scheduled')
 ORDER BY t.tick_at
 LIMIT 1;

-- name: cancel_open(tenant_id, schedule_id, reason) :one
-- Asks the open runs of a held schedule to stop.
SELECT highway.cancel_runs_of_schedule(%(tenant_id)s, %(schedule_id)s, %(reason)s) AS asked;

-- name: failures_in_a_row(tenant_id, schedule_id, quantity) :one
-- How many of the last ticks that have come to an end failed one after the other, since the schedule was resumed; counted up to `quantity`.
SELECT count(*) FILTER (WHERE l.failed_so_far) AS failures
  FROM (SELECT bool_and(e.failed) OVER (ORDER BY e.tick_at DESC) AS failed_so_far
          FROM (SELECT t.tick_at, (t.outcome = 'failed' OR r.status IN ('failed', 'compensated')) AS failed
                  FROM highway.schedule AS s
                  JOIN highway.schedule_tick AS t USING (tenant_id, schedule_id)
                  LEFT JOIN LATERAL highway.end_of_chain(t.tenant_id, t.workflow_run_id) AS r ON true
                 WHERE s.tenant_id = %(tenant_id)s AND s.schedule_id = %(schedule_id)s AND t.kind = 'scheduled'
                   AND (t.outcome = 'failed' OR r.finished_at IS NOT NULL)
                   AND (s.resumed_at IS NULL OR t.decided_at > s.resumed_at)
                 ORDER BY t.tick_at DESC
                 LIMIT %(quantity)s) AS e) AS l;

-- name: fired_among(tenant_id, schedule_id, ticks) :many
-- Which of these ticks have fired.
SELECT t.tick_at FROM highway.schedule_tick AS t
 WHERE t.tenant_id = %(tenant_id)s AND t.schedule_id = %(schedule_id)s AND t.outcome = 'fired' AND t.tick_at = ANY (%(ticks)s::timestamptz[]);

-- name: take_unchecked(every_seconds, quantity) :many
-- Holds active schedules whose chain nobody has looked at for so long.
SELECT s.*, highway.now() AS now FROM highway.schedule AS s
 WHERE s.state = 'active' AND s.checked_at < highway.now() - make_interval(secs => %(every_seconds)s)
 ORDER BY s.checked_at
 LIMIT %(quantity)s
   FOR NO KEY UPDATE OF s SKIP LOCKED;

-- name: get(tenant_id, schedule_id) :one
-- One schedule with how its last runs went.
SELECT s.*, l.last_run_at, l.last_statuses, l.last_error, l.runs
  FROM highway.schedule AS s
 CROSS JOIN LATERAL (
       SELECT max(t.decided_at) FILTER (WHERE t.workflow_run_id IS NOT NULL) AS last_run_at,
              (SELECT count(*) FROM (SELECT FROM highway.schedule_tick AS n WHERE n.tenant_id = s.tenant_id AND n.schedule_id = s.schedule_id
                                        AND n.outcome = 'fired' LIMIT 10000) AS fired) AS runs,
              coalesce(array_agg(coalesce(r.status, t.outcome) ORDER BY t.tick_at DESC), '{}') AS last_statuses,
              (array_agg(coalesce(r.error ->> 'message', nullif(t.reason, '')) ORDER BY t.tick_at DESC)
                  FILTER (WHERE r.status = 'failed' OR t.outcome = 'failed'))[1] AS last_error
         FROM (SELECT * FROM highway.schedule_tick AS o WHERE o.tenant_id = s.tenant_id AND o.schedule_id = s.schedule_id
                ORDER BY o.tick_at DESC LIMIT 10) AS t
         LEFT JOIN LATERAL highway.end_of_chain(t.tenant_id, t.workflow_run_id) AS r ON true) AS l
 WHERE s.tenant_id = %(tenant_id)s AND s.schedule_id = %(schedule_id)s AND s.state <> 'deleted';

-- name: list(tenant_id, after_name, quantity) :many
-- Schedules by name, behind `after_name`, each with how its last runs went.
SELECT s.*, l.last_run_at, l.last_statuses, l.last_error
  FROM (SELECT * FROM highway.schedule AS o WHERE o.tenant_id = %(tenant_id)s AND o.state <> 'deleted' AND o.name > %(after_name)s
         ORDER BY o.name LIMIT %(quantity)s) AS s
 CROSS JOIN LATERAL (
       SELECT max(t.decided_at) FILTER (WHERE t.workflow_run_id IS NOT NULL) AS last_run_at,
              coalesce(array_agg(coalesce(r.status, t.outcome) ORDER BY t.tick_at DESC), '{}') AS last_statuses,
              (array_agg(coalesce(r.error ->> 'message', nullif(t.reason, '')) ORDER BY t.tick_at DESC)
                  FILTER (WHERE r.status = 'failed' OR t.outcome = 'failed'))[1] AS last_error
         FROM (SELECT * FROM highway.schedule_tick AS o WHERE o.tenant_id = s.tenant_id AND o.schedule_id = s.schedule_id
                ORDER BY o.tick_at DESC LIMIT 10) AS t
         LEFT JOIN LATERAL highway.end_of_chain(t.tenant_id, t.workflow_run_id) AS r ON true) AS l
 ORDER BY s.name;

-- name: history(tenant_id, schedule_id, before, quantity) :many
-- Ticks, newest first, strictly older than `before`, each with the state of its run: of the last one, where runs have continued each other.
SELECT t.tick_at, t.kind, t.outcome, t.reason, t.decided_at, t.decided_by, t.workflow_run_id, r.status AS run_status, r.started_at, r.finished_at
  FROM (SELECT * FROM highway.schedule_tick AS o
         WHERE o.tenant_id = %(tenant_id)s AND o.schedule_id = %(schedule_id)s
           AND (%(before)s::timestamptz IS NULL OR o.tick_at < %(before)s::timestamptz)
         ORDER BY o.tick_at DESC LIMIT %(quantity)s) AS t
  LEFT JOIN LATERAL highway.end_of_chain(t.tenant_id, t.workflow_run_id) AS r ON true
 ORDER BY t.tick_at DESC;

-- name: count_ticks(tenant_id, schedule_id, cap) :one
-- How many ticks have been decided, counted up to `cap`.
SELECT count(*) AS ticks FROM (SELECT FROM highway.schedule_tick AS t
                                WHERE t.tenant_id = %(tenant_id)s AND t.schedule_id = %(schedule_id)s LIMIT %(cap)s) AS counted;

-- name: summary(tenant_id) :one
-- The tenant's schedules in figures: how many are active, how many of these are due, and when the next tick comes.
SELECT count(*) FILTER (WHERE s.state = 'active') AS active, count(*) FILTER (WHERE s.state = 'paused') AS paused,
       count(*) FILTER (WHERE s.due_at <= highway.now()) AS due, min(s.next_at) FILTER (WHERE s.state = 'active') AS next_at
  FROM highway.schedule AS s
 WHERE s.tenant_id = %(tenant_id)s AND s.state <> 'deleted';
