-- name: take_lock(lock_key) :exec
-- Takes the session-level advisory lock whose loss tells everybody that this worker is gone.
SELECT pg_advisory_lock(%(lock_key)s::bigint);

-- name: register(worker_id, name, lock_key, queues, slots, capacity, code_version, lease_seconds, state, reason, capacity_override, batch_override) :exec
-- A worker introduces itself under a fresh identity, with the orders that its process was given before.
INSERT INTO highway.worker (worker_id, name, lock_key, queues, slots, capacity, code_version, lease_expires_at,
                            requested_state, requested_reason, capacity_override, batch_override)
VALUES (%(worker_id)s, %(name)s, %(lock_key)s, %(queues)s::text[], %(slots)s, %(capacity)s, %(code_version)s,
        highway.now() + make_interval(secs => %(lease_seconds)s), %(state)s, %(reason)s, %(capacity_override)s, %(batch_override)s);

-- name: heartbeat(worker_id, running, draining, lease_seconds) :one
-- Extends the lease of the worker and with it that of all its claims. No row: the worker was declared dead and must start anew.
UPDATE highway.worker
   SET last_seen_at = highway.now(), lease_expires_at = highway.now() + make_interval(secs => %(lease_seconds)s),
       running = %(running)s, draining = %(draining)s
 WHERE worker_id = %(worker_id)s
RETURNING worker_id, requested_state, requested_reason, capacity_override, batch_override;

-- name: listen(worker_id, listens) :exec
-- Whether the worker is to be told of work from now on (highway.hint_work).
UPDATE highway.worker SET listens = %(listens)s WHERE worker_id = %(worker_id)s;

-- name: show_running(tenant_ids, task_ids, epochs, steps) :many
-- For people: what the claimed tasks have been doing for a while. Passes by what is locked, so that a heartbeat never waits; returns what was shown.
WITH free AS (
    SELECT t.tenant_id, t.task_id, g.steps
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(steps)s::text[]) AS g (tenant_id, task_id, epoch, steps)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch
     WHERE t.claimed_by IS NOT NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE highway.task AS t SET running_steps = f.steps::jsonb
  FROM free AS f WHERE t.tenant_id = f.tenant_id AND t.task_id = f.task_id
RETURNING t.task_id;

-- name: claims(worker_id) :many
-- What this worker holds according to the database, and whether it should stop.
SELECT t.tenant_id, t.task_id, t.epoch, t.cancel_requested, t.pause_requested, r.cancel_outcome,
       coalesce(r.cancel_reason, CASE WHEN t.kind = 'activity' AND t.cancel_requested THEN (
           SELECT a.cancel_reason FROM highway.activity AS a WHERE a.tenant_id = t.tenant_id AND a.task_id = t.task_id) END) AS cancel_reason
  FROM highway.task AS t
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 WHERE t.state = 'running' AND t.claimed_by = %(worker_id)s;

-- name: let_go(tenant_ids, task_ids, epochs) :many
-- Claims that the database knows and their worker does not: others may take them, later each time, and it counts as a rescue, so that poison ends.
WITH held AS (
    SELECT t.tenant_id, t.task_id
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[]) AS g (tenant_id, task_id, epoch)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch
     WHERE t.claimed_by IS NOT NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE highway.task AS t
   SET state = CASE WHEN t.pause_requested AND NOT t.cancel_requested THEN 'paused' ELSE 'sleeping' END,
       available_at = highway.now() + make_interval(secs => 2.0 * (t.rescues + 1)),
       epoch = t.epoch + 1, rescues = t.rescues + 1, claimed_by = NULL
  FROM held AS h WHERE t.tenant_id = h.tenant_id AND t.task_id = h.task_id
RETURNING t.task_id;

-- name: deregister(worker_id) :exec
-- A worker leaves in order; it holds no claims any more.
DELETE FROM highway.worker WHERE worker_id = %(worker_id)s;

-- name: bury_dead(worker_id) :many
-- Workers whose connection or lease is gone, except the asking one. They cannot come back: their identity is deleted.
DELETE FROM highway.worker AS w
 WHERE w.worker_id IN (
       SELECT d.worker_id FROM highway.worker AS d
        WHERE d.worker_id <> %(worker_id)s AND (NOT highway.lock_is_held(d.lock_key) OR d.lease_expires_at < highway.now())
          FOR UPDATE SKIP LOCKED)
RETURNING w.worker_id, w.name;

-- name: rescue(quantity) :many
-- Tasks whose worker exists no more become claimable again, at once and with a new epoch: a late write of the old worker changes nothing.
-- Seen first and locked by their epoch then: between the two another one may have rescued a task and a living worker claimed it, and
-- PostgreSQL's recheck of a changed row does not ask "is there no worker?" again.
-- One whose workers died ten times in a row is given a pause that grows to a minute: what was not its fault passes in that time, and poison kills the fewer.
WITH lost AS MATERIALIZED (
    SELECT t.tenant_id, t.task_id, t.epoch FROM highway.task AS t
     WHERE t.state = 'running' AND NOT EXISTS (SELECT FROM highway.worker AS w WHERE w.worker_id = t.claimed_by)
     LIMIT %(quantity)s
), held AS (
    SELECT t.tenant_id, t.task_id
      FROM unnest(ARRAY(SELECT tenant_id FROM lost), ARRAY(SELECT task_id FROM lost), ARRAY(SELECT epoch FROM lost)) AS l (tenant_id, task_id, epoch)
      JOIN highway.task AS t ON t.tenant_id = l.tenant_id AND t.task_id = l.task_id AND t.epoch = l.epoch
     WHERE t.claimed_by IS NOT NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
), rescued AS (
    UPDATE highway.task AS t
       SET state = CASE WHEN t.cancel_requested THEN 'pending' WHEN t.pause_requested THEN 'paused' WHEN t.rescues < 10 THEN 'pending'
                        ELSE 'sleeping' END,
           available_at = highway.now() + make_interval(secs => CASE WHEN t.rescues < 10 OR t.cancel_requested THEN 0
                                                                     ELSE least(60, 2.0 ^ (t.rescues - 10)) END),
           epoch = t.epoch + 1, rescues = t.rescues + 1, claimed_by = NULL
      FROM held AS h
     WHERE t.tenant_id = h.tenant_id AND t.task_id = h.task_id
    RETURNING t.tenant_id, t.workflow_run_id, t.task_id, t.key, t.rescues, t.running_steps
), told AS (
    INSERT INTO highway.journal (tenant_id, workflow_run_id, kind, scope, data)
    SELECT r.tenant_id, r.workflow_run_id, 'rescued', r.key, jsonb_build_object('rescues', r.rescues, 'steps', r.running_steps) FROM rescued AS r
)
SELECT r.tenant_id, r.task_id, highway.hint_work() FROM rescued AS r;

-- name: now() :one
-- The database's time, the only one there is.
SELECT highway.now() AS now;
