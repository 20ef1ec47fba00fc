-- name: claim(worker_id, queues, quantity, from_tenant, credit) :many
-- Takes up to `quantity` due tasks, with what those that are taken up again have done before.
SELECT c.* FROM highway.claim_tasks(%(worker_id)s::uuid, %(queues)s::text[], %(quantity)s, %(from_tenant)s::uuid, %(credit)s) AS c;

-- name: wake_due(quantity, served) :one
-- Makes sleeping tasks whose time has come claimable, and says how many, in how many seconds the next one is due, and whether slots came free. Who
-- serves other queues than `served` looked at the same moment, and passed by what is being woken here: it is told.
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
    RETURNING t.queue
), told AS (
    SELECT highway.hint_work(w.queue) FROM (SELECT DISTINCT k.queue FROM woken AS k) AS w WHERE w.queue <> ALL (%(served)s::text[])
)
SELECT (SELECT count(*) FROM woken) AS woken, (SELECT count(*) FROM told) AS queues_told,
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
SELECT w.* FROM highway.waits_of(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[]) AS w;

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
