-- What the doctor may put right by itself. Each statement looks again at what it changes: a row that has moved on since it was seen is left alone.

-- name: wake(tenant_ids, task_ids, epochs) :many
-- Sleepers that nothing would wake become claimable: whoever takes one up decides anew what it waits for.
WITH held AS (
    SELECT t.tenant_id, t.task_id
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[]) AS g (tenant_id, task_id, epoch)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch
     WHERE t.state = 'sleeping' OR t.state = 'pending' AND t.available_at IS NULL
       FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
  FROM held AS h WHERE t.tenant_id = h.tenant_id AND t.task_id = h.task_id
RETURNING t.task_id;

-- name: hold(tenant_id, task_id, epoch) :one
-- Takes a sleeping task as it was seen; no row when it has moved on or is busy.
SELECT t.task_id FROM highway.task AS t
 WHERE t.tenant_id = %(tenant_id)s AND t.task_id = %(task_id)s AND t.epoch = %(epoch)s AND t.state = 'sleeping'
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: recount_join(tenant_id, task_id) :exec
-- A join waits for no more tasks than are open. The caller holds the task.
UPDATE highway.wait AS w SET needed = least(w.needed, a.open)
  FROM (SELECT o.step_key, (SELECT count(*) FROM highway.task AS t
                             WHERE t.tenant_id = o.tenant_id AND t.parent_task_id = o.task_id AND t.report_key = ANY (o.awaited)
                               AND highway.is_open(t.state)) AS open
          FROM highway.wait AS o
         WHERE o.tenant_id = %(tenant_id)s AND o.task_id = %(task_id)s AND o.kind = 'tasks') AS a
 WHERE w.tenant_id = %(tenant_id)s AND w.task_id = %(task_id)s AND w.step_key = a.step_key AND w.needed > a.open;

-- name: end_leftover(tenant_id, workflow_run_id, task_id) :exec
-- Ends a task whose run has ended without it. The caller holds the open tasks of the run.
SELECT highway.cancel_tasks(%(tenant_id)s, ARRAY[%(task_id)s::uuid], 'the run has ended')
 WHERE EXISTS (SELECT FROM highway.workflow_run AS r
                WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = %(workflow_run_id)s AND r.finished_at IS NOT NULL);

-- name: hold_run(tenant_id, workflow_run_id) :one
-- Takes every open task of a run.
SELECT highway.lock_open_tasks(%(tenant_id)s, %(workflow_run_id)s) AS is_open;

-- name: derive_status(quantity) :many
-- Runs whose status is not their own task's state get it from there again: the task row is the truth.
WITH wrong AS (
    SELECT t.tenant_id, t.task_id
      FROM highway.workflow_run AS r
      JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.task_id = r.workflow_run_id
     WHERE t.state IS DISTINCT FROM r.status OR t.finished_at IS DISTINCT FROM r.finished_at
     LIMIT %(quantity)s
       FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE highway.workflow_run AS r SET status = t.state, finished_at = t.finished_at, error = t.error
  FROM wrong AS w JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.task_id = w.task_id
 WHERE r.tenant_id = w.tenant_id AND r.workflow_run_id = w.task_id
RETURNING r.workflow_run_id;

-- name: drop_waits(quantity) :many
-- Waits of tasks that have ended or are gone.
DELETE FROM highway.wait AS w
 WHERE (w.tenant_id, w.task_id, w.step_key) IN (
       SELECT o.tenant_id, o.task_id, o.step_key FROM highway.wait AS o
        WHERE NOT EXISTS (SELECT FROM highway.task AS t
                           WHERE t.tenant_id = o.tenant_id AND t.task_id = o.task_id AND highway.is_open(t.state))
        LIMIT %(quantity)s)
RETURNING w.task_id;

-- name: drop_tickets(quantity) :many
-- Tickets for locks of tasks that have ended or are gone: nobody holds them.
DELETE FROM highway.named_lock AS n
 WHERE (n.tenant_id, n.name, n.ticket) IN (
       SELECT o.tenant_id, o.name, o.ticket FROM highway.named_lock AS o
        WHERE NOT EXISTS (SELECT FROM highway.task AS t
                           WHERE t.tenant_id = o.tenant_id AND t.task_id = o.task_id AND highway.is_open(t.state))
        LIMIT %(quantity)s)
RETURNING n.task_id;
