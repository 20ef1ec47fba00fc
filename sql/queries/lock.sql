-- name: wake_first(quantity) :many
-- Sleeping tasks whose ticket is the first of its lock, and who were not told yet. Each name is looked at once, however many wait for it.
WITH RECURSIVE place (tenant_id, name, n) AS (
    (SELECT w.tenant_id, w.name, 1 FROM highway.named_lock AS w WHERE w.acquired_at IS NULL ORDER BY w.tenant_id, w.name LIMIT 1)
    UNION ALL
    SELECT s.tenant_id, s.name, p.n + 1
      FROM place AS p
     CROSS JOIN LATERAL (SELECT w.tenant_id, w.name FROM highway.named_lock AS w
                          WHERE w.acquired_at IS NULL AND (w.tenant_id, w.name) > (p.tenant_id, p.name)
                          ORDER BY w.tenant_id, w.name LIMIT 1) AS s
     WHERE p.n < 10000
), first AS (
    SELECT f.tenant_id, f.task_id
      FROM place AS p
     CROSS JOIN LATERAL (SELECT o.tenant_id, o.task_id, o.acquired_at FROM highway.named_lock AS o
                          WHERE o.tenant_id = p.tenant_id AND o.name = p.name ORDER BY o.ticket LIMIT 1) AS f
     WHERE f.acquired_at IS NULL
), free AS (
    SELECT t.tenant_id, t.task_id FROM first AS f JOIN highway.task AS t ON t.tenant_id = f.tenant_id AND t.task_id = f.task_id
     WHERE t.state = 'sleeping'
     LIMIT %(quantity)s
       FOR NO KEY UPDATE OF t SKIP LOCKED
), woken AS (
    UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
      FROM free AS f WHERE t.tenant_id = f.tenant_id AND t.task_id = f.task_id
    RETURNING t.task_id
)
SELECT w.task_id, highway.hint_work() FROM woken AS w;

-- name: of_run(tenant_id, workflow_run_id) :many
-- The locks that a run holds and waits for, each with who holds it.
SELECT n.name, n.ticket, n.scope, n.step_key, n.requested_at, n.acquired_at,
       first.ticket AS holder_ticket, first.workflow_run_id AS holder_run_id, first.acquired_at AS held_since,
       (SELECT count(*) FROM highway.named_lock AS o
         WHERE o.tenant_id = n.tenant_id AND o.name = n.name AND o.ticket < n.ticket) AS ahead
  FROM highway.named_lock AS n
 CROSS JOIN LATERAL (SELECT o.ticket, o.workflow_run_id, o.acquired_at FROM highway.named_lock AS o
                      WHERE o.tenant_id = n.tenant_id AND o.name = n.name ORDER BY o.ticket LIMIT 1) AS first
 WHERE n.tenant_id = %(tenant_id)s AND n.workflow_run_id = %(workflow_run_id)s
 ORDER BY n.ticket;
