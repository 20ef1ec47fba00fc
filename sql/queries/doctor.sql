-- name: stuck(grace_seconds, quantity) :many
-- I5: open tasks that nobody executes, that no time, event or other task will wake, and why; `grace_seconds` is what the services need to react.
WITH open_task AS (
    SELECT t.* FROM highway.task AS t WHERE t.state = 'pending'
     UNION ALL
    SELECT t.* FROM highway.task AS t WHERE t.state = 'running'
     UNION ALL
    SELECT t.* FROM highway.task AS t WHERE t.state = 'sleeping'
     UNION ALL
    SELECT t.* FROM highway.task AS t WHERE t.state = 'paused'
)
SELECT o.tenant_id, o.workflow_run_id, o.task_id, o.epoch, o.key, o.state, p.problem
  FROM open_task AS o
 CROSS JOIN (SELECT make_interval(secs => %(grace_seconds)s) AS grace, interval '1 minute' AS pause) AS c  -- hand-backs pause a task for less
 CROSS JOIN LATERAL (
       SELECT count(*) AS waits, min(w.due_at) AS first_due,
              bool_or(e.name IS NOT NULL OR coalesce(w.needed <= 0, false) OR w.given IS NOT NULL
                      OR w.kind = 'lock' AND highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') IS NOT NULL) AS is_over,
              bool_or(w.kind = 'lock' AND NOT EXISTS (
                  SELECT FROM highway.named_lock AS n
                   WHERE n.tenant_id = w.tenant_id AND n.task_id = w.task_id AND n.step_key = w.step_key)) AS has_no_ticket,
              bool_or(w.kind = 'tasks' AND w.needed > (
                  SELECT count(*) FROM highway.task AS a
                   WHERE a.tenant_id = w.tenant_id AND a.parent_task_id = w.task_id AND a.report_key = ANY (w.awaited)
                     AND highway.is_open(a.state))) AS is_short
         FROM highway.wait AS w
         LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                                     AND e.name = w.event_name
        WHERE o.state = 'sleeping' AND w.tenant_id = o.tenant_id AND w.task_id = o.task_id) AS w
 CROSS JOIN LATERAL (
       SELECT CASE
              WHEN o.state = 'running' AND o.claimed_at < highway.now() - c.grace
                   AND NOT EXISTS (SELECT FROM highway.worker AS owner WHERE owner.worker_id = o.claimed_by)
              THEN 'its worker is gone and it was not rescued'
              WHEN o.state = 'pending' AND o.available_at IS NULL THEN 'it is claimable and has no age'
              WHEN o.state = 'sleeping' AND o.available_at < highway.now() - c.grace THEN 'its time has come and it was not woken'
              WHEN o.state = 'sleeping' AND o.available_at IS NULL AND w.waits = 0 THEN 'it sleeps and waits for nothing'
              WHEN w.is_over AND (o.available_at IS NULL OR o.available_at > highway.now() + c.pause) THEN 'what it waits for has happened'
              WHEN w.first_due IS NOT NULL AND (o.available_at IS NULL OR o.available_at > w.first_due + c.pause)
              THEN 'it sleeps longer than its first timer'
              WHEN w.is_short THEN 'it waits for more tasks than are open'
              WHEN w.has_no_ticket THEN 'it waits for a lock and does not stand in line'
              WHEN o.kind <> 'workflow' AND NOT (o.state = 'running' AND o.cancel_requested) AND EXISTS (
                   SELECT FROM highway.workflow_run AS r
                    WHERE r.tenant_id = o.tenant_id AND r.workflow_run_id = o.workflow_run_id AND r.finished_at IS NOT NULL)
              THEN 'its run has ended without it'
              END AS problem) AS p
 WHERE p.problem IS NOT NULL
 LIMIT %(quantity)s;

-- name: take_turn(every_seconds) :one
-- A row when nobody has looked for so long; whoever gets it looks for all.
INSERT INTO highway.health AS h (measure, value, at) VALUES ('stuck_tasks', 0, highway.now())
ON CONFLICT (measure) DO UPDATE SET at = highway.now() WHERE h.at <= highway.now() - make_interval(secs => %(every_seconds)s)
RETURNING h.measure;

-- name: write_down(quantity) :exec
-- How many were found.
UPDATE highway.health SET value = %(quantity)s, at = highway.now() WHERE measure = 'stuck_tasks';

-- name: inconsistent(quantity) :many
-- Rows that contradict each other: a run whose status is not its own task's state, a wait whose task has ended. Reads everything: for tests and people.
SELECT r.tenant_id, r.workflow_run_id, 'status ' || r.status || ', task ' || coalesce(t.state, 'missing') AS problem
  FROM highway.workflow_run AS r
  LEFT JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.task_id = r.workflow_run_id
 WHERE t.state IS DISTINCT FROM r.status OR t.finished_at IS DISTINCT FROM r.finished_at
 UNION ALL
SELECT w.tenant_id, w.workflow_run_id, 'wait ' || w.step_key || ' of a task that is ' || coalesce(t.state, 'missing')
  FROM highway.wait AS w
  LEFT JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.task_id = w.task_id
 WHERE t.state IS NULL OR NOT highway.is_open(t.state)
 UNION ALL
SELECT n.tenant_id, n.workflow_run_id, 'ticket for the lock ' || n.name || ' of a task that is ' || coalesce(t.state, 'missing')
  FROM highway.named_lock AS n
  LEFT JOIN highway.task AS t ON t.tenant_id = n.tenant_id AND t.task_id = n.task_id
 WHERE t.state IS NULL OR NOT highway.is_open(t.state)
 LIMIT %(quantity)s;
