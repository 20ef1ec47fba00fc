-- name: load(tenant_ids, task_ids) :many
-- What the next attempt of claimed activities has to know of those before.
SELECT a.task_id, a.details, a.failed_attempt
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[]) AS g (tenant_id, task_id)
  JOIN highway.activity AS a USING (tenant_id, task_id);

-- name: beat(tenant_ids, task_ids, epochs, attempts, running, silent, own, details, worker_id) :many
-- Reports attempts under way: when they began and last gave a sign of life, counted back from now, and what their own code said. Fenced; passes by
-- what is locked, so that a heartbeat never waits. Answers for each whether it was written, or is lost to another claim.
WITH given AS (
    SELECT * FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(attempts)s::int[], %(running)s::float8[],
                         %(silent)s::float8[], %(own)s::bool[], %(details)s::text[])
             AS g (tenant_id, task_id, epoch, attempt, running, silent, own, details)
), held AS (
    SELECT g.* FROM given AS g
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch
     WHERE t.claimed_by IS NOT NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
), written AS (
    UPDATE highway.activity AS a
       SET started_at = CASE WHEN (a.epoch, a.attempt) = (h.epoch, h.attempt) THEN a.started_at
                             ELSE highway.now() - make_interval(secs => h.running) END,
           epoch = h.epoch, attempt = h.attempt, worker_id = %(worker_id)s, failed_attempt = NULL,  -- it was counted before this one began
           last_heartbeat_at = coalesce(highway.now() - make_interval(secs => h.silent), a.last_heartbeat_at),
           heartbeats = a.heartbeats + h.own::int, details = coalesce(h.details::jsonb, a.details)
      FROM held AS h
     WHERE a.tenant_id = h.tenant_id AND a.task_id = h.task_id
    RETURNING a.tenant_id, a.task_id, a.heartbeats, a.last_heartbeat_at, a.attempt, a.details, h.own
), kept AS (
    INSERT INTO highway.activity_heartbeat AS k (tenant_id, task_id, slot, number, at, attempt, worker_id, details)
    SELECT w.tenant_id, w.task_id, (w.heartbeats - 1) %% 100, w.heartbeats, w.last_heartbeat_at, w.attempt, %(worker_id)s, w.details
      FROM written AS w WHERE w.own
    ON CONFLICT (tenant_id, task_id, slot) DO UPDATE
       SET number = excluded.number, at = excluded.at, attempt = excluded.attempt, worker_id = excluded.worker_id, details = excluded.details
)
SELECT g.task_id, g.epoch, w.task_id IS NOT NULL AS written, t.task_id IS NULL AS lost
  FROM given AS g
  LEFT JOIN written AS w USING (tenant_id, task_id)
  LEFT JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL;

-- name: time_out(grace_seconds, quantity) :many
-- Takes attempts that broke a limit from workers that did not notice: the attempt counts as failed, and the next claim decides what follows.
-- 1 see, 2 take the tasks by their epochs, passing by who is being written to, 3 judge the rows as they are then: a heartbeat may have come.
WITH late AS MATERIALIZED (
    SELECT t.tenant_id, t.task_id, t.epoch
      FROM highway.task AS t
      JOIN highway.activity AS a ON a.tenant_id = t.tenant_id AND a.task_id = t.task_id AND a.epoch = t.epoch
     WHERE t.kind = 'activity' AND t.state = 'running' AND highway.broken_limit(a, %(grace_seconds)s) IS NOT NULL
     LIMIT %(quantity)s
), held AS (
    SELECT t.tenant_id, t.task_id, t.epoch
      FROM unnest(ARRAY(SELECT tenant_id FROM late), ARRAY(SELECT task_id FROM late), ARRAY(SELECT epoch FROM late)) AS l (tenant_id, task_id, epoch)
      JOIN highway.task AS t ON t.tenant_id = l.tenant_id AND t.task_id = l.task_id AND t.epoch = l.epoch
     WHERE t.claimed_by IS NOT NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
), failed AS (
    UPDATE highway.activity AS a
       SET failed_attempt = jsonb_build_object('attempt', a.attempt, 'error', highway.limit_error(highway.broken_limit(a, %(grace_seconds)s)),
                                               'seconds', extract(epoch FROM highway.now() - a.started_at))
      FROM held AS h
     WHERE a.tenant_id = h.tenant_id AND a.task_id = h.task_id AND a.epoch = h.epoch AND highway.broken_limit(a, %(grace_seconds)s) IS NOT NULL
    RETURNING a.tenant_id, a.task_id, a.failed_attempt, a.worker_id
), released AS (
    UPDATE highway.task AS t
       SET state = CASE WHEN t.pause_requested AND NOT t.cancel_requested THEN 'paused' ELSE 'pending' END,
           available_at = highway.now(), epoch = t.epoch + 1, claimed_by = NULL, running_steps = NULL
      FROM failed AS f
     WHERE t.tenant_id = f.tenant_id AND t.task_id = f.task_id
    RETURNING t.tenant_id, t.task_id, t.workflow_run_id, t.key, t.queue, f.failed_attempt, f.worker_id
), told AS (
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, data)
    SELECT r.tenant_id, r.workflow_run_id, highway.now(), 'attempt_timed_out', r.key,
           jsonb_build_object('attempt', r.failed_attempt -> 'attempt', 'error', r.failed_attempt -> 'error', 'worker_id', r.worker_id)
      FROM released AS r
)
SELECT r.tenant_id, r.task_id, r.failed_attempt #>> '{error,type}' AS "limit", highway.hint_work(r.queue), pg_notify('highway_control', '')
  FROM released AS r;

-- name: settle_limits(quantity) :exec
-- Forgets limits whose time has passed and that were kept: of activities that have begun, or have ended.
WITH passed AS (
    SELECT a.tenant_id, a.task_id FROM highway.activity AS a WHERE a.start_by <= highway.now()
     UNION
    SELECT a.tenant_id, a.task_id FROM highway.activity AS a WHERE a.close_by <= highway.now()
     LIMIT %(quantity)s
), kept AS (
    SELECT a.tenant_id, a.task_id, highway.is_open(t.state) AS is_open
      FROM passed AS p
      JOIN highway.activity AS a USING (tenant_id, task_id)
      JOIN highway.task AS t USING (tenant_id, task_id)
     WHERE NOT highway.is_open(t.state) OR (a.start_by <= highway.now() AND NOT highway.is_unstarted(t, a))
       FOR NO KEY UPDATE OF a SKIP LOCKED
)
UPDATE highway.activity AS a SET start_by = NULL, close_by = CASE WHEN k.is_open THEN a.close_by END
  FROM kept AS k WHERE a.tenant_id = k.tenant_id AND a.task_id = k.task_id;

-- name: overdue(quantity) :many
-- Activities that seem to have broken a limit as a whole; `expire` finds out.
SELECT a.tenant_id, a.task_id FROM highway.activity AS a
  JOIN highway.task AS t USING (tenant_id, task_id)
 WHERE a.start_by <= highway.now() AND t.state IN ('pending', 'sleeping') AND highway.is_unstarted(t, a)
 UNION
SELECT a.tenant_id, a.task_id FROM highway.activity AS a
  JOIN highway.task AS t USING (tenant_id, task_id)
 WHERE a.close_by <= highway.now() AND highway.is_open(t.state)
 LIMIT %(quantity)s;

-- name: expire(tenant_id, task_id) :one
-- Ends an activity that has broken a limit as a whole; the limit, or NULL.
SELECT highway.expire_activity(%(tenant_id)s, %(task_id)s) AS "limit";

-- name: cancel(tenant_id, task_id, reason) :one
-- Asks one activity to stop; its state afterwards.
SELECT highway.cancel_activity(%(tenant_id)s, %(task_id)s, %(reason)s) AS state;

-- name: list(tenant_id, workflow_run_id, task_id, states, worker_id, function, silent_for, before, quantity) :many replanned
-- Activities, newest first, strictly older than the id `before`; a filter that is NULL does not filter. `function` is a pattern for ILIKE,
-- `silent_for` the least number of seconds since the last sign of life.
-- Each state is read by itself and in order, so that few rows are read however rare it is.
SELECT t.tenant_id, t.task_id, t.workflow_run_id, r.name AS workflow_name, t.key, t.state, t.queue, t.priority, t.cancel_requested,
       t.created_at, t.finished_at, t.available_at, t.completion_event, t.result, t.error, t.running_steps,
       a.function, a.max_attempts, a.start_by, a.close_by, a.start_to_close_seconds, a.heartbeat_seconds,
       a.last_heartbeat_at, a.heartbeats, a.details,
       coalesce(k.attempt, CASE WHEN a.epoch = t.epoch THEN a.attempt END, w.attempt, 0) AS attempt,
       coalesce(k.started_at, CASE WHEN a.epoch = t.epoch THEN a.started_at END, t.claimed_at) AS started_at,
       coalesce(t.claimed_by, k.worker_id, a.worker_id) AS worker_id,
       (SELECT o.name FROM highway.worker AS o WHERE o.worker_id = t.claimed_by) AS worker,
       w.due_at AS retry_at, w.error AS last_error,
       extract(epoch FROM highway.now() - greatest(a.last_heartbeat_at, a.started_at, t.claimed_at))::float8 AS silent_seconds
  FROM (SELECT DISTINCT unnest(coalesce(%(states)s::text[], ARRAY[
               'pending', 'running', 'sleeping', 'paused', 'completed', 'failed', 'cancelled', 'compensated'])) AS state) AS s
 CROSS JOIN highway.ids_between(p_before => %(before)s::uuid) AS b
 CROSS JOIN LATERAL (
       SELECT o.* FROM highway.task AS o
        -- OFFSET 0: one look into the index for each, never a join with all activities.
        CROSS JOIN LATERAL (SELECT i.* FROM highway.activity AS i WHERE i.tenant_id = o.tenant_id AND i.task_id = o.task_id OFFSET 0) AS p
        WHERE o.kind = 'activity' AND o.tenant_id = %(tenant_id)s
          AND (o.state, o.task_id) >= (s.state, b.low) AND (o.state, o.task_id) < (s.state, b.high)
          AND (%(workflow_run_id)s::uuid IS NULL OR o.workflow_run_id = %(workflow_run_id)s::uuid)
          AND (%(task_id)s::uuid IS NULL OR o.task_id = %(task_id)s::uuid)
          AND (%(worker_id)s::uuid IS NULL OR coalesce(o.claimed_by, p.worker_id) = %(worker_id)s::uuid)
          AND (%(function)s::text IS NULL OR p.function ILIKE %(function)s::text)
          AND (%(silent_for)s::float8 IS NULL OR greatest(p.last_heartbeat_at, p.started_at, o.claimed_at)
               <= highway.now() - make_interval(secs => %(silent_for)s::float8))
        ORDER BY o.state DESC, o.task_id DESC
        LIMIT %(quantity)s) AS t
  JOIN highway.workflow_run AS r ON r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id
  JOIN highway.activity AS a ON a.tenant_id = t.tenant_id AND a.task_id = t.task_id
  LEFT JOIN LATERAL (
       SELECT c.attempt, c.started_at, c.worker_id FROM highway.checkpoint AS c
        WHERE c.tenant_id = t.tenant_id AND c.workflow_run_id = t.workflow_run_id AND c.scope = t.key AND c.step_key NOT LIKE '@%%'
        LIMIT 1) AS k ON true
  LEFT JOIN LATERAL (
       SELECT o.attempt, o.due_at, o.error FROM highway.wait AS o
        WHERE o.tenant_id = t.tenant_id AND o.task_id = t.task_id AND o.kind = 'retry' LIMIT 1) AS w ON true
 ORDER BY t.task_id DESC
 LIMIT %(quantity)s;

-- name: count_by_state(tenant_id, cap) :many
-- How many activities of each state, counted up to `cap` each.
SELECT s.state, (SELECT count(*) FROM (
           SELECT FROM highway.task AS t
            WHERE t.kind = 'activity' AND t.tenant_id = %(tenant_id)s
              AND (t.state, t.task_id) >= (s.state, b.low) AND (t.state, t.task_id) < (s.state, b.high)
            ORDER BY t.state, t.task_id
            LIMIT %(cap)s) AS counted) AS activities
  FROM unnest(ARRAY['pending', 'running', 'sleeping', 'paused', 'completed', 'failed', 'cancelled', 'compensated']) AS s (state)
 CROSS JOIN highway.ids_between() AS b;

-- name: heartbeats(tenant_id, task_id, quantity) :many
-- The last heartbeats of an activity, newest first.
SELECT h.number, h.at, h.attempt, h.worker_id, h.details FROM highway.activity_heartbeat AS h
 WHERE h.tenant_id = %(tenant_id)s AND h.task_id = %(task_id)s ORDER BY h.number DESC LIMIT %(quantity)s;

-- name: logs(tenant_id, workflow_run_id, scopes, quantity) :many
-- The last lines that activities of a run have logged, oldest first.
SELECT l.seq, l.at, l.kind, l.scope, l.step_key, l.data FROM (
    SELECT j.* FROM highway.journal AS j
     WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = %(workflow_run_id)s AND j.kind = 'log' AND j.scope = ANY (%(scopes)s::text[])
     ORDER BY j.seq DESC LIMIT %(quantity)s) AS l
 ORDER BY l.seq;

-- name: forget_heartbeats(tenant_id, keep_seconds, quantity) :one
-- Deletes heartbeats of a tenant older than `keep_seconds`; how many.
WITH old AS (
    SELECT h.tenant_id, h.task_id, h.slot FROM highway.activity_heartbeat AS h
     -- The sub-select is worked out once, before the rows, so that the index can be asked for it behind row-level security.
     WHERE h.tenant_id = %(tenant_id)s AND h.at < (SELECT highway.now() - make_interval(secs => %(keep_seconds)s))
     ORDER BY h.at LIMIT %(quantity)s FOR UPDATE SKIP LOCKED
), gone AS (
    -- By way of arrays: each row is looked up by its key.
    DELETE FROM highway.activity_heartbeat AS h
     USING unnest(ARRAY(SELECT tenant_id FROM old), ARRAY(SELECT task_id FROM old), ARRAY(SELECT slot FROM old)) AS o (tenant_id, task_id, slot)
     WHERE h.tenant_id = o.tenant_id AND h.task_id = o.task_id AND h.slot = o.slot
    RETURNING h.slot
)
SELECT count(*) AS deleted FROM gone;

-- name: forget_old_heartbeats(keep_seconds, quantity) :one
-- The same for all tenants, for the housekeeping.
WITH old AS (
    SELECT h.tenant_id, h.task_id, h.slot FROM highway.activity_heartbeat AS h
     WHERE h.at < highway.now() - make_interval(secs => %(keep_seconds)s)
     ORDER BY h.at LIMIT %(quantity)s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM highway.activity_heartbeat AS h
     USING unnest(ARRAY(SELECT tenant_id FROM old), ARRAY(SELECT task_id FROM old), ARRAY(SELECT slot FROM old)) AS o (tenant_id, task_id, slot)
     WHERE h.tenant_id = o.tenant_id AND h.task_id = o.task_id AND h.slot = o.slot
    RETURNING 1
)
SELECT count(*) AS gone FROM gone;
