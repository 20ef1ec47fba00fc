-- name: pause(tenant_id, workflow_run_id, by, reason) :one
-- Pauses a run; its status afterwards.
SELECT highway.pause_run(%(tenant_id)s, %(workflow_run_id)s, %(by)s, %(reason)s) AS status;

-- name: resume(tenant_id, workflow_run_id, by, step_inputs) :one
-- Resumes a run, steps that wait for a person with what is given for them; its status afterwards.
SELECT highway.resume_run(%(tenant_id)s, %(workflow_run_id)s, %(by)s, %(step_inputs)s::jsonb) AS status;

-- name: give_up(tenant_id, workflow_run_id, path, by) :one
-- Fails a step that waits for a person; the run's status afterwards.
SELECT highway.give_up_step(%(tenant_id)s, %(workflow_run_id)s, %(path)s, %(by)s) AS status;

-- name: exhausted(tenant_id, workflow_run_id) :many
-- The steps of a run whose attempts are spent and that wait for a person.
SELECT s.path, s.scope, s.step_key, s.attempt, s.error, s.request FROM highway.exhausted_steps(%(tenant_id)s, %(workflow_run_id)s) AS s;

-- name: kill(tenant_id, workflow_run_id, by, reason) :one
-- Ends a run whatever it is doing; its status afterwards.
SELECT highway.kill_run(%(tenant_id)s, %(workflow_run_id)s, %(by)s, %(reason)s) AS status;

-- name: change_start(tenant_id, workflow_run_id, at, delay_seconds, by) :one
-- Moves the start of a run that has not started, to a time or to so many seconds from now; its status afterwards.
SELECT highway.change_start(%(tenant_id)s, %(workflow_run_id)s,
                            coalesce(%(at)s::timestamptz, highway.now() + make_interval(secs => %(delay_seconds)s::float8)), %(by)s) AS status;

-- name: set_priority(tenant_id, workflow_run_id, priority, by) :exec
-- Changes the priority of an open run.
SELECT highway.set_priority(%(tenant_id)s, %(workflow_run_id)s, %(priority)s::smallint, %(by)s);

-- name: purge(tenant_id, workflow_run_id) :exec
-- Forgets an ended run.
SELECT highway.purge_run(%(tenant_id)s, %(workflow_run_id)s);

-- name: hold(tenant_id, workflow_run_id) :one
-- Takes a run and its open tasks, so that it stands still while it is read.
SELECT r.status, r.definition_id, r.inputs, r.parent_run_id FROM highway.hold_run(%(tenant_id)s, %(workflow_run_id)s) AS r;

-- name: hold_families(tenant_ids, run_ids) :exec
-- Takes the open tasks of many runs and of those below them, in order.
SELECT FROM highway.lock_families(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[], %(tenant_ids)s::uuid[], %(run_ids)s::uuid[]);

-- name: hold_for_restart(tenant_id, workflow_run_id) :many
-- Takes all tasks of a run and of the runs below it, parents before what they forked.
SELECT t.task_id, t.workflow_run_id, t.kind, t.key, t.path, t.state, t.context, t.parent_task_id, t.report_key, t.completion_event, t.result, t.error,
       r.definition_id, r.inputs, r.parent_run_id, r.created_at
  FROM highway.hold_for_restart(%(tenant_id)s, %(workflow_run_id)s) AS t
  JOIN highway.workflow_run AS r ON r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id;

-- name: tasks(tenant_id, workflow_run_id) :many
-- The tasks of a run that is held, as hold_for_restart gives them.
SELECT t.task_id, t.workflow_run_id, t.kind, t.key, t.path, t.state, t.context, t.parent_task_id, t.report_key, t.completion_event, t.result, t.error,
       r.definition_id, r.inputs, r.parent_run_id, r.created_at
  FROM highway.task AS t
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 WHERE t.tenant_id = %(tenant_id)s AND t.workflow_run_id = %(workflow_run_id)s
 ORDER BY t.created_at, t.task_id;

-- name: history(tenant_id, workflow_run_id) :many
-- Every checkpoint of a run, in the order in which they were written.
SELECT k.scope, k.step_key, k.operator, k.outcome, k.reason, k.result, k.error, k.started_at FROM highway.checkpoint AS k
 WHERE k.tenant_id = %(tenant_id)s AND k.workflow_run_id = %(workflow_run_id)s
 ORDER BY k.seq;

-- name: all_variables(tenant_id, workflow_run_id) :many
-- The variables of a run in all its scopes.
SELECT v.scope, v.name, v.value FROM highway.variable AS v WHERE v.tenant_id = %(tenant_id)s AND v.workflow_run_id = %(workflow_run_id)s;

-- name: restart(tenant_id, workflow_run_id, task_ids, scopes, keys, by, reason) :exec
-- Lets an ended run go on, without the given checkpoints.
SELECT highway.restart_run(%(tenant_id)s, %(workflow_run_id)s, %(task_ids)s::uuid[], %(scopes)s::text[], %(keys)s::text[], %(by)s, %(reason)s);

-- name: fork(tenant_id, source, step, inputs, by, scopes, keys, task_keys, ended, before) :one
-- Starts a run with the given part of another's history.
SELECT highway.fork_run(%(tenant_id)s, %(source)s, %(step)s, %(inputs)s::jsonb, %(by)s, %(scopes)s::text[], %(keys)s::text[],
                        %(task_keys)s::text[], %(ended)s::boolean[], coalesce(%(before)s::timestamptz, highway.now())) AS workflow_run_id;

-- name: count(tenant_id, statuses, names, patterns, tags, text, created_from, created_to, cap) :one replanned
-- How many runs a filter finds (the one of run.list), counted up to `cap`.
SELECT count(*) AS runs FROM (
    SELECT FROM highway.workflow_run AS o
     WHERE o.tenant_id = %(tenant_id)s
       AND o.status = ANY (%(statuses)s::text[])
       AND (%(names)s::text[] IS NULL OR o.name = ANY (%(names)s::text[]))
       AND (%(patterns)s::text[] IS NULL OR o.name LIKE ANY (%(patterns)s::text[]))
       AND (%(tags)s::text[] IS NULL OR o.tags @> %(tags)s::text[])
       AND (%(created_from)s::timestamptz IS NULL OR o.created_at >= %(created_from)s::timestamptz
            AND o.workflow_run_id >= highway.uuid7_from(%(created_from)s::timestamptz - interval '1 hour'))
       AND (%(created_to)s::timestamptz IS NULL OR o.created_at < %(created_to)s::timestamptz
            AND o.workflow_run_id < highway.uuid7_from(%(created_to)s::timestamptz + interval '1 hour'))
       AND (%(text)s::text IS NULL OR o.name ILIKE %(text)s::text OR o.workflow_run_id::text ILIKE %(text)s::text
            OR o.triggered_by ILIKE %(text)s::text OR o.error ->> 'message' ILIKE %(text)s::text)
     LIMIT %(cap)s) AS counted;
