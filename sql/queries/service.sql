-- name: expired_runs(quantity) :many
-- Open runs past their deadline that were not asked to stop yet.
SELECT r.tenant_id, r.workflow_run_id, CASE r.deadline_action WHEN 'fail' THEN 'failed' ELSE 'cancelled' END AS outcome
  FROM highway.workflow_run AS r
  JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.task_id = r.workflow_run_id
 WHERE r.deadline_at <= highway.now() AND r.finished_at IS NULL AND r.cancel_requested_at IS NULL AND t.phase = ''
 ORDER BY r.deadline_at
 LIMIT %(quantity)s;

-- name: orphans(quantity) :many
-- Open child runs whose parent run, or the branch of it that started them, has failed or was cancelled.
SELECT c.tenant_id, c.workflow_run_id
  FROM highway.workflow_run AS c
  JOIN highway.workflow_run AS p ON p.tenant_id = c.tenant_id AND p.workflow_run_id = c.parent_run_id
  JOIN highway.task AS own ON own.tenant_id = c.tenant_id AND own.task_id = c.workflow_run_id
  LEFT JOIN highway.task AS branch ON branch.tenant_id = c.tenant_id AND branch.task_id = own.parent_task_id
  LEFT JOIN highway.task AS parent_task ON parent_task.tenant_id = c.tenant_id AND parent_task.task_id = c.parent_run_id
 WHERE c.parent_run_id IS NOT NULL AND c.finished_at IS NULL AND c.cancel_requested_at IS NULL
   AND (p.status IN ('failed', 'cancelled', 'compensated') OR branch.state IN ('failed', 'cancelled') OR parent_task.phase = 'undoing')
   AND own.phase = ''
 LIMIT %(quantity)s;

-- name: cancel(tenant_id, run_id, reason, outcome) :one
-- Asks a run to stop; its status afterwards.
SELECT highway.cancel_run(%(tenant_id)s, %(run_id)s, %(reason)s, %(outcome)s) AS status;

-- name: cancel_orphan(tenant_id, run_id, reason, outcome) :one
-- Asks a child run to stop, unless its parent goes on; its status afterwards.
SELECT highway.cancel_orphan(%(tenant_id)s, %(run_id)s, %(reason)s, %(outcome)s) AS status;

-- name: measure() :exec
-- Health means progress: how long the next task of any queue and tenant has been waiting for its claim, and how much waits. An activity that
-- waits because all who serve its queue are busy is no sign of trouble: activities may take hours.
WITH RECURSIVE place (queue, tenant_id, n) AS (
    (SELECT t.queue, t.tenant_id, 1 FROM highway.task AS t WHERE t.state = 'pending' ORDER BY t.queue, t.tenant_id LIMIT 1)
    UNION ALL
    SELECT s.queue, s.tenant_id, p.n + 1
      FROM place AS p
     CROSS JOIN LATERAL (SELECT t.queue, t.tenant_id FROM highway.task AS t
                          WHERE t.state = 'pending' AND (t.queue, t.tenant_id) > (p.queue, p.tenant_id)
                          ORDER BY t.queue, t.tenant_id LIMIT 1) AS s
     WHERE p.n < 1000
), next_one AS (
    SELECT coalesce(extract(epoch FROM highway.now() - min(s.available_at)), 0)::float8 AS oldest
      FROM place AS p
     CROSS JOIN LATERAL (SELECT t.available_at FROM highway.task AS t
                          WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id = p.tenant_id
                          ORDER BY highway.turn_of(t.available_at, t.priority, t.lane_seconds) LIMIT 1) AS s
     WHERE NOT (p.queue LIKE '%%:activities' AND coalesce((
           SELECT bool_and(w.running >= greatest(w.slots * 3 / 4, 1)) FROM highway.worker AS w WHERE p.queue = ANY (w.queues)), false))
), due AS (
    SELECT count(*)::float8 AS waiting FROM (SELECT FROM highway.task AS t WHERE t.state = 'pending' LIMIT 10000) AS t
)
INSERT INTO highway.health AS h (measure, value, at)
SELECT m.measure, m.value, highway.now()
  FROM next_one CROSS JOIN due
 CROSS JOIN LATERAL (VALUES ('oldest_due_seconds', next_one.oldest), ('due_tasks', due.waiting)) AS m (measure, value)
ON CONFLICT (measure) DO UPDATE SET value = excluded.value, at = excluded.at;

-- name: forget_idempotency(quantity) :one
-- Forgets keys past their time, passing by what somebody holds; how many.
WITH old AS (
    SELECT i.tenant_id, i.key FROM highway.idempotency AS i
     WHERE i.expires_at < highway.now() ORDER BY i.expires_at LIMIT %(quantity)s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM highway.idempotency AS i
     USING unnest(ARRAY(SELECT tenant_id FROM old), ARRAY(SELECT key FROM old)) AS o (tenant_id, key)
     WHERE i.tenant_id = o.tenant_id AND i.key = o.key
    RETURNING 1
)
SELECT count(*) AS gone FROM gone;

-- name: count_what_has_grown() :many
-- Tables that have grown much since the planner counted them are counted; which ones.
SELECT g.name FROM highway.count_what_has_grown() AS g (name);
