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
              bool_or(w.kind = 'lock' AND w.given IS NULL AND NOT EXISTS (
                  SELECT FROM highway.named_lock AS n
                   WHERE n.tenant_id = w.tenant_id AND n.task_id = w.task_id
                     AND n.step_key = coalesce(w.request ->> 'ticket', w.step_key))) AS has_no_ticket,
              bool_or(w.kind = 'approval' AND w.given IS NULL AND NOT EXISTS (
                  SELECT FROM highway.approval AS a
                   WHERE a.tenant_id = w.tenant_id AND a.task_id = w.task_id AND a.step_key = w.step_key AND a.state = 'pending'
                     AND a.expires_at > highway.now() - c.grace)) AS has_no_question,
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
              WHEN o.state = 'paused' AND o.cancel_requested THEN 'it was asked to stop and is paused'
              WHEN o.state = 'paused' AND NOT EXISTS (
                   SELECT FROM highway.workflow_run AS r
                    WHERE r.tenant_id = o.tenant_id AND r.workflow_run_id = o.workflow_run_id AND r.paused_at IS NOT NULL)
              THEN 'it is paused and its run is not'
              WHEN o.pause_requested AND o.state IN ('pending', 'sleeping') AND NOT o.cancel_requested THEN 'it was asked to pause and may be claimed'
              WHEN w.is_over AND (o.available_at IS NULL OR o.available_at > highway.now() + c.pause) THEN 'what it waits for has happened'
              WHEN w.first_due IS NOT NULL AND (o.available_at IS NULL OR o.available_at > w.first_due + c.pause)
              THEN 'it sleeps longer than its first timer'
              WHEN w.is_short THEN 'it waits for more tasks than are open'
              WHEN w.has_no_question THEN 'it waits for an approval that nobody can give'
              WHEN w.has_no_ticket THEN 'it waits for a lock and does not stand in line'
              WHEN o.kind <> 'workflow' AND NOT (o.state = 'running' AND o.cancel_requested) AND EXISTS (
                   SELECT FROM highway.workflow_run AS r
                    WHERE r.tenant_id = o.tenant_id AND r.workflow_run_id = o.workflow_run_id AND r.finished_at IS NOT NULL)
              THEN 'its run has ended without it'
              END AS problem) AS p
 WHERE p.problem IS NOT NULL
 LIMIT %(quantity)s;

-- name: flow_problems(grace_seconds, quantity) :many
-- Slots that nobody can use: held by or waited for by a task that has ended, waited for while one is free and nobody was told, and waits for slots
-- that stand in no line.
SELECT s.tenant_id, s.workflow_run_id, 'slot of ' || s.key || ' of a task that is ' || coalesce(t.state, 'missing') AS problem
  FROM highway.slot AS s
  LEFT JOIN highway.task AS t ON t.tenant_id = s.tenant_id AND t.task_id = s.task_id
 WHERE t.state IS NULL OR NOT highway.is_open(t.state)
 UNION ALL
SELECT first.tenant_id, first.workflow_run_id, 'it waits for a slot of ' || l.key || ' while one is free'
  FROM highway.flow_limit AS l
 CROSS JOIN LATERAL (
       SELECT s.tenant_id, s.workflow_run_id FROM highway.slot AS s JOIN highway.task AS t USING (tenant_id, task_id)
        WHERE s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NULL AND t.state <> 'paused' ORDER BY s.seq LIMIT 1) AS first
 WHERE l.kind = 'concurrency'
   AND l.capacity > (SELECT count(*) FROM highway.slot AS s WHERE s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM highway.slot_mark AS m WHERE m.tenant_id = l.tenant_id AND m.key = l.key
                      AND m.at >= highway.now() - make_interval(secs => %(grace_seconds)s) - interval '1 second')
 UNION ALL
SELECT w.tenant_id, w.workflow_run_id, 'step ' || w.step_key || ' waits for a slot and stands in no line'
  FROM highway.wait AS w
 WHERE w.kind = 'slot' AND w.needed > 0 AND w.due_at IS NULL
   AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = w.tenant_id AND s.task_id = w.task_id AND s.granted_at IS NULL
                      AND s.step_key = CASE w.step_key WHEN '@slot' THEN '' ELSE w.step_key END)
 UNION ALL
SELECT w.tenant_id, w.workflow_run_id, 'it stands at the door of ' || t.queue || ', which is open'
  FROM highway.wait AS w
  JOIN highway.task AS t USING (tenant_id, task_id)
  LEFT JOIN highway.tenant_policy AS p ON p.tenant_id = w.tenant_id
 WHERE w.kind = 'room' AND t.state = 'sleeping' AND w.created_at < highway.now() - make_interval(secs => %(grace_seconds)s) - interval '5 seconds'
   AND highway.backlog_cap(w.tenant_id) IS NULL AND NOT highway.is_draining(t.tenant_id, t.queue)
   AND coalesce(p.changed_at < highway.now() - make_interval(secs => %(grace_seconds)s) - interval '5 seconds', true)
   AND NOT EXISTS (SELECT FROM highway.queue_policy AS q WHERE q.queue = t.queue AND q.tenant_id IN (t.tenant_id, '00000000-0000-0000-0000-000000000000')
                      AND q.changed_at >= highway.now() - make_interval(secs => %(grace_seconds)s) - interval '5 seconds')
 UNION ALL
SELECT w.tenant_id, w.workflow_run_id, 'it waits for its run to begin, which is ' || own.state || ' and has nothing to pass'
  FROM highway.wait AS w
  JOIN highway.task AS own ON own.tenant_id = w.tenant_id AND own.task_id = w.workflow_run_id
 WHERE w.kind = 'start' AND own.gate IS NULL
 UNION ALL
SELECT k.tenant_id, k.workflow_run_id, k.kind || ' ' || k.key || ' is kept by a run that is ' || coalesce(r.status, 'missing')
  FROM highway.run_key AS k
  LEFT JOIN highway.workflow_run AS r ON r.tenant_id = k.tenant_id AND r.workflow_run_id = k.workflow_run_id
 WHERE r.status IS NULL OR NOT highway.is_open(r.status)
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
-- Rows that contradict each other: a run whose status is not its own task's state, a wait whose task has ended, a paused run that goes on. Reads everything: for tests and people.
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
SELECT r.tenant_id, r.workflow_run_id, 'paused, and its task ' || t.key || ' is ' || t.state
  FROM highway.workflow_run AS r
  JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.workflow_run_id = r.workflow_run_id
 WHERE r.paused_at IS NOT NULL AND highway.is_open(t.state) AND NOT t.pause_requested AND NOT t.cancel_requested
 UNION ALL
SELECT n.tenant_id, n.workflow_run_id, 'ticket for the lock ' || n.name || ' of a task that is ' || coalesce(t.state, 'missing')
  FROM highway.named_lock AS n
  LEFT JOIN highway.task AS t ON t.tenant_id = n.tenant_id AND t.task_id = n.task_id
 WHERE t.state IS NULL OR NOT highway.is_open(t.state)
 UNION ALL
SELECT a.tenant_id, a.workflow_run_id, 'approval ' || a.approval_id || ' is open, and its step ' || a.step_key || ' does not wait for it'
  FROM highway.approval AS a
 WHERE a.state = 'pending'
   AND NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = a.tenant_id AND w.task_id = a.task_id AND w.step_key = a.step_key
                      AND w.kind = 'approval' AND w.given IS NULL)
 LIMIT %(quantity)s;

-- name: schedules(grace_seconds, quantity) :many
-- Chains that do not go on: nobody has looked at a due tick, or the next one cannot be told.
SELECT s.tenant_id, s.schedule_id, s.name,
       coalesce(s.trouble, 'its tick of ' || s.next_at::text || ' is due and nobody has decided it') AS problem
  FROM highway.schedule AS s
 WHERE s.state = 'active' AND s.due_at < highway.now() - make_interval(secs => %(grace_seconds)s)
 UNION ALL
SELECT s.tenant_id, s.schedule_id, s.name, s.trouble
  FROM highway.schedule AS s
 WHERE s.state = 'active' AND s.trouble IS NOT NULL AND s.due_at >= highway.now() - make_interval(secs => %(grace_seconds)s)
 LIMIT %(quantity)s;
