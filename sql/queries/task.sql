-- name: claim(worker_id, queues, quantity, from_tenant, credit) :many
-- Takes up to `quantity` due tasks. Tenants take turns by weight, starting at `from_tenant`, to which `credit` is left of its turn if that is not 0; behind
-- the last comes the first again.
-- Inside a tenant the earliest turn goes first (highway.turn_of). Pauses, caps and gates cost a look into small tables unless there are any.
WITH RECURSIVE place (queue, tenant_id, n) AS (
    SELECT q.queue, coalesce((SELECT t.tenant_id FROM highway.task AS t
                               WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id >= %(from_tenant)s::uuid
                               ORDER BY t.tenant_id LIMIT 1),
                             (SELECT t.tenant_id FROM highway.task AS t
                               WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id < %(from_tenant)s::uuid
                               ORDER BY t.tenant_id LIMIT 1)), 1
      FROM unnest(%(queues)s::text[]) AS q (queue)
    UNION ALL
    SELECT p.queue, CASE WHEN p.tenant_id >= %(from_tenant)s::uuid
                         THEN coalesce(o.following, (SELECT t.tenant_id FROM highway.task AS t
                                                      WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id < %(from_tenant)s::uuid
                                                      ORDER BY t.tenant_id LIMIT 1))
                         WHEN o.following < %(from_tenant)s::uuid THEN o.following END, p.n + 1
      FROM place AS p
     CROSS JOIN LATERAL (SELECT (SELECT t.tenant_id FROM highway.task AS t
                                  WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id > p.tenant_id
                                  ORDER BY t.tenant_id LIMIT 1) AS following OFFSET 0) AS o
     WHERE p.tenant_id IS NOT NULL  -- places where nothing may be taken now must not use up the look
       AND p.n < %(quantity)s + (SELECT count(*) FROM highway.tenant_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
                              + (SELECT count(*) FROM highway.queue_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
), sized AS MATERIALIZED (
    SELECT p.queue, p.tenant_id,
           CASE WHEN p.tenant_id = %(from_tenant)s::uuid AND %(credit)s::int > 0 THEN %(credit)s::int
                ELSE (coalesce(w.weight, 1) * ceil(%(quantity)s::numeric / sum(coalesce(w.weight, 1)) OVER ()))::int END AS size
      FROM place AS p
      LEFT JOIN LATERAL (SELECT o.weight, o.paused_at FROM highway.tenant_policy AS o WHERE o.tenant_id = p.tenant_id LIMIT 1) AS w ON true
     WHERE p.tenant_id IS NOT NULL AND w.paused_at IS NULL
       AND NOT EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.tenant_id IN (p.tenant_id, '00000000-0000-0000-0000-000000000000')
                          AND c.queue = p.queue AND c.paused_at IS NOT NULL)
     ORDER BY p.tenant_id < %(from_tenant)s::uuid, p.tenant_id, random()
), capped (is_so) AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM highway.tenant_policy AS c WHERE c.max_running IS NOT NULL)
        OR EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.max_running IS NOT NULL)
), fitted AS (
    SELECT s.queue, s.tenant_id, s.size FROM sized AS s WHERE NOT (SELECT is_so FROM capped)
    UNION ALL
    SELECT f.queue, f.tenant_id, f.size
      FROM (SELECT array_agg(s.queue) AS queues, array_agg(s.tenant_id) AS tenants, array_agg(s.size) AS sizes
              FROM sized AS s WHERE (SELECT is_so FROM capped) HAVING count(*) > 0) AS s
     CROSS JOIN LATERAL highway.fit_claim(s.queues, s.tenants, s.sizes) AS f
), chosen AS MATERIALIZED (
    SELECT due.tenant_id, due.task_id, due.gated, fitted.size
      FROM fitted CROSS JOIN LATERAL (
           SELECT t.tenant_id, t.task_id, t.gate IS NOT NULL AND NOT t.cancel_requested AS gated FROM highway.task AS t
            WHERE t.state = 'pending' AND t.queue = fitted.queue AND t.tenant_id = fitted.tenant_id
            ORDER BY highway.turn_of(t.available_at, t.priority, t.lane_seconds)
            LIMIT fitted.size
              FOR UPDATE SKIP LOCKED) AS due
     LIMIT %(quantity)s
), passed AS MATERIALIZED (
    SELECT g.task_id
      FROM (SELECT array_agg(c.tenant_id) AS tenants, array_agg(c.task_id) AS tasks FROM chosen AS c WHERE c.gated HAVING count(*) > 0) AS c
     CROSS JOIN LATERAL highway.pass_gates(c.tenants, c.tasks) AS g (task_id)
), free AS MATERIALIZED (
    SELECT c.tenant_id, c.task_id, c.size FROM chosen AS c WHERE NOT c.gated OR c.task_id IN (SELECT p.task_id FROM passed AS p)
), claimed AS (
    -- By way of arrays: whatever the planner believes of LIMIT, it looks each of a few rows up by its key.
    UPDATE highway.task AS t
       SET state = 'running', attempt = t.attempt + 1, epoch = t.epoch + 1, limited = t.limited OR t.gate IS NOT NULL, gate = NULL, lane_seconds = 0,
           claimed_by = %(worker_id)s, claimed_at = highway.now(), running_steps = NULL
      FROM unnest(ARRAY(SELECT tenant_id FROM free), ARRAY(SELECT task_id FROM free), ARRAY(SELECT size FROM free)) WITH ORDINALITY
           AS c (tenant_id, task_id, size, n)
     WHERE t.tenant_id = c.tenant_id AND t.task_id = c.task_id
    RETURNING t.*, c.size AS turn_size, c.n
)
SELECT c.tenant_id, c.task_id, c.workflow_run_id, c.kind, c.key, c.path, c.queue, c.attempt, c.rescues, c.epoch, c.cancel_requested,
       c.context, c.parent_task_id, c.completion_event, c.phase, c.error, c.turn_size,
       r.definition_id, r.definition_hash, r.name, r.inputs, r.created_at, r.cancel_reason, r.cancel_outcome
  FROM claimed AS c
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 ORDER BY c.n;

-- name: wake_due(quantity) :one
-- Makes sleeping tasks whose time has come claimable, and says how many, in how many seconds the next one is due, and whether slots came free.
WITH due AS (
    SELECT t.tenant_id, t.task_id FROM highway.task AS t
     WHERE t.state = 'sleeping' AND t.available_at <= highway.now()
     ORDER BY t.available_at
     LIMIT %(quantity)s
       FOR UPDATE SKIP LOCKED
), woken AS (
    UPDATE highway.task AS t SET state = 'pending'
      FROM unnest(ARRAY(SELECT tenant_id FROM due), ARRAY(SELECT task_id FROM due)) AS d (tenant_id, task_id)
     WHERE t.tenant_id = d.tenant_id AND t.task_id = d.task_id
    RETURNING t.task_id
)
SELECT (SELECT count(*) FROM woken) AS woken,
       (SELECT extract(epoch FROM t.available_at - highway.now())::float8 FROM highway.task AS t
         WHERE t.state = 'sleeping' AND t.available_at > highway.now() ORDER BY t.available_at LIMIT 1) AS next_in_seconds,
       EXISTS (SELECT FROM highway.slot_mark) AS slots_freed;

-- name: grant_slots(quantity) :one
-- Gives slots that came free to those that wait for them; how many.
SELECT highway.grant_slots(%(quantity)s) AS granted;

-- name: load_checkpoints(tenant_ids, run_ids, scopes) :many
-- Everything that is done in the scopes of re-entered tasks.
SELECT k.tenant_id, k.workflow_run_id, k.scope, k.step_key, k.operator, k.outcome, k.result, k.error
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[], %(scopes)s::text[]) AS g (tenant_id, workflow_run_id, scope)
  JOIN highway.checkpoint AS k USING (tenant_id, workflow_run_id, scope)
 ORDER BY k.seq;

-- name: load_variables(tenant_ids, run_ids, scopes) :many
-- The variables of re-entered tasks.
SELECT v.tenant_id, v.workflow_run_id, v.scope, v.name, v.value
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[], %(scopes)s::text[]) AS g (tenant_id, workflow_run_id, scope)
  JOIN highway.variable AS v USING (tenant_id, workflow_run_id, scope);

-- name: load_waits(tenant_ids, task_ids) :many
-- The open waits of tasks, and which of them are over.
SELECT w.tenant_id, w.task_id, w.step_key, w.kind, w.attempt, w.request,
       coalesce(w.due_at <= highway.now(), false) AS due,
       (e.name IS NOT NULL) AS emitted, e.payload, nullif(w.given, '{"lapsed": true}') AS given,
       coalesce(w.needed <= 0, false) AS joined,
       CASE WHEN w.kind = 'lock' THEN highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') END AS ticket,
       CASE WHEN w.kind = 'tasks' AND (w.needed <= 0 OR w.due_at <= highway.now()) THEN (
           SELECT jsonb_object_agg(a.key, jsonb_build_object(
                      'status', coalesce(t.state, 'failed'), 'result', t.result, 'workflow_run_id', t.workflow_run_id,
                      'error', CASE WHEN t.task_id IS NULL THEN jsonb_build_object(
                          'kind', 'branch', 'type', 'UnknownTask', 'retryable', false,
                          'message', 'this task has started no such branch, activity or child') ELSE t.error END))
             FROM unnest(w.awaited) AS a (key)
             LEFT JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.parent_task_id = w.task_id AND t.report_key = a.key) END AS tasks
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[]) AS g (tenant_id, task_id)
  JOIN highway.wait AS w USING (tenant_id, task_id)
  LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                              AND e.name = w.event_name;

-- name: load_undo(tenant_ids, run_ids) :many
-- What runs have to undo, the last thing done first, and what of it is undone.
SELECT c.tenant_id, c.workflow_run_id, c.scope, c.step_key, c.call
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[]) AS g (tenant_id, workflow_run_id)
  JOIN highway.compensation AS c USING (tenant_id, workflow_run_id)
 ORDER BY c.seq DESC;

-- name: load_open_forks(tenant_ids, run_ids) :many
-- How many branches, activities and child runs of runs are still open.
SELECT g.tenant_id, g.workflow_run_id,
       (SELECT count(*) FROM highway.task AS t
         WHERE t.tenant_id = g.tenant_id AND t.workflow_run_id = g.workflow_run_id AND t.kind <> 'workflow' AND highway.is_open(t.state))
     + (SELECT count(*) FROM highway.workflow_run AS c
         WHERE c.tenant_id = g.tenant_id AND c.parent_run_id = g.workflow_run_id AND c.finished_at IS NULL) AS open_forks
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[]) AS g (tenant_id, workflow_run_id);

-- name: load_definition(tenant_id, definition_hash) :one
-- The definition itself; immutable, so the caller may keep it.
SELECT d.definition FROM highway.workflow_definition AS d WHERE d.tenant_id = %(tenant_id)s AND d.definition_hash = %(definition_hash)s;
