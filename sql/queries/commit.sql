-- Every row of a group commit is fenced: it is joined to its task by key and epoch, and the task has to be claimed. `claimed_by IS NOT NULL` is what
-- `state = 'running'` is (a constraint of the table says so), and keeps the planner from reading the index of all running tasks instead of these few.

-- name: lock(tenant_ids, task_ids) :many
-- First statement of a group commit: takes the given tasks in lock order.
SELECT t.tenant_id, t.task_id, t.epoch, t.state, t.cancel_requested, t.pause_requested
  FROM highway.task AS t
 WHERE (t.tenant_id, t.task_id) IN (
       SELECT g.tenant_id, g.task_id FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[]) AS g (tenant_id, task_id))
 ORDER BY t.task_id
   FOR NO KEY UPDATE;

-- name: lock_with_runs(tenant_ids, task_ids, run_tenant_ids, run_ids) :many
-- First statement of a group commit that changes other tasks of its runs, too: takes the given tasks and every open task of the given runs.
SELECT tenant_id, task_id, epoch, state, cancel_requested, pause_requested
  FROM highway.lock_tasks(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(run_tenant_ids)s::uuid[], %(run_ids)s::uuid[]);

-- name: lock_with_families(tenant_ids, task_ids, run_tenant_ids, run_ids) :many
-- First statement of a group commit that pauses a run: takes the given tasks and every open task of the given runs and of the open runs below them.
SELECT tenant_id, task_id, epoch, state, cancel_requested, pause_requested
  FROM highway.lock_families(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(run_tenant_ids)s::uuid[], %(run_ids)s::uuid[]);

-- name: record(tenant_ids, task_ids, epochs, run_ids, scopes, keys, operators, outcomes, attempts, seconds, waited, reasons, inputs, results, errors, variables, worker_id) :exec
-- Checkpoints, each fenced by its task's epoch; a stale row is left out, its neighbours go through.
INSERT INTO highway.checkpoint (tenant_id, workflow_run_id, scope, step_key, operator, outcome, attempt, started_at, finished_at,
                                worker_id, reason, input, result, error, variables)
SELECT g.tenant_id, g.run_id, g.scope, g.key, g.operator, g.outcome, g.attempt,
       coalesce(w.created_at, highway.now() - make_interval(secs => g.seconds)), highway.now(),
       %(worker_id)s, g.reason, g.input::jsonb, g.result::jsonb, g.error::jsonb, g.variables::jsonb
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(scopes)s::text[], %(keys)s::text[],
              %(operators)s::text[], %(outcomes)s::text[], %(attempts)s::int[], %(seconds)s::float8[], %(waited)s::bool[], %(reasons)s::text[],
              %(inputs)s::text[], %(results)s::text[], %(errors)s::text[], %(variables)s::text[])
       AS g (tenant_id, task_id, epoch, run_id, scope, key, operator, outcome, attempt, seconds, waited, reason, input, result, error, variables)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
  LEFT JOIN highway.wait AS w ON g.waited AND w.kind NOT IN ('retry', 'person')
                             AND w.tenant_id = g.tenant_id AND w.task_id = g.task_id AND w.step_key = g.key;

-- name: set_variables(tenant_ids, task_ids, epochs, run_ids, scopes, names, values) :exec
-- Variables that steps set, in the transaction of their checkpoints.
INSERT INTO highway.variable AS v (tenant_id, workflow_run_id, scope, name, value)
SELECT g.tenant_id, g.run_id, g.scope, g.name, g.value::jsonb
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(scopes)s::text[],
              %(names)s::text[], %(values)s::text[]) AS g (tenant_id, task_id, epoch, run_id, scope, name, value)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
ON CONFLICT (tenant_id, workflow_run_id, scope, name) DO UPDATE SET value = excluded.value, version = v.version + 1;

-- name: set_waits(tenant_ids, task_ids, epochs, run_ids, keys, kinds, seconds, untils, event_names, awaited, needed, attempts, errors, requests) :exec
-- Registers waits. Times are counted by the database. A wait for tasks is over for those that are final already, and for those that do not
-- exist (a child whose definition is unknown, somebody else's branch): nobody would ever report them.
INSERT INTO highway.wait AS w (tenant_id, task_id, step_key, workflow_run_id, kind, due_at, event_name, awaited, needed, attempt, error, request)
SELECT g.tenant_id, g.task_id, g.key, g.run_id, g.kind,
       coalesce(highway.now() + make_interval(secs => g.seconds), g.until),
       g.event_name, a.keys,
       CASE WHEN g.kind = 'tasks' THEN least(coalesce(g.needed, cardinality(a.keys)), cardinality(a.keys)) - (cardinality(a.keys) - (
           SELECT count(*) FROM highway.task AS c
            WHERE c.tenant_id = g.tenant_id AND c.parent_task_id = g.task_id AND c.report_key = ANY (a.keys)
              AND highway.is_open(c.state))) END,
       g.attempt, g.error::jsonb, g.request::jsonb
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(keys)s::text[], %(kinds)s::text[],
              %(seconds)s::float8[], %(untils)s::timestamptz[], %(event_names)s::text[], %(awaited)s::text[], %(needed)s::int[],
              %(attempts)s::int[], %(errors)s::text[], %(requests)s::text[])
       AS g (tenant_id, task_id, epoch, run_id, key, kind, seconds, until, event_name, awaited, needed, attempt, error, request)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
 CROSS JOIN LATERAL (SELECT CASE WHEN g.awaited IS NULL THEN NULL
                                 ELSE ARRAY(SELECT DISTINCT jsonb_array_elements_text(g.awaited::jsonb)) END AS keys) AS a
ON CONFLICT (tenant_id, task_id, step_key) DO UPDATE
   SET kind = excluded.kind, due_at = excluded.due_at, event_name = excluded.event_name, awaited = excluded.awaited,
       needed = excluded.needed, attempt = excluded.attempt, error = excluded.error, request = excluded.request, given = NULL;

-- name: ask_people(tenant_ids, task_ids, epochs, keys) :exec
-- The questions of waits for people, with these waits.
INSERT INTO highway.approval (tenant_id, workflow_run_id, task_id, scope, step_key, key, message, data, stages, allow_self, on_expiry,
                              requested_by, requested_at, expires_at)
SELECT w.tenant_id, w.workflow_run_id, w.task_id, t.key, w.step_key, a.key,
       a.message, a.data, a.stages, a.allow_self, a.on_expiry, highway.started_by(w.tenant_id, w.workflow_run_id), highway.now(),
       highway.now() + make_interval(secs => a.timeout_seconds)
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[]) AS g (tenant_id, task_id, epoch, key)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
  JOIN highway.wait AS w ON w.tenant_id = g.tenant_id AND w.task_id = g.task_id AND w.step_key = g.key AND w.kind = 'approval'
 CROSS JOIN LATERAL jsonb_to_record(w.request)
       AS a (key text, message text, data jsonb, stages jsonb, allow_self boolean, on_expiry text, timeout_seconds float8);

-- name: hand_out(tenant_ids, run_ids) :exec
-- Gives messages that came before to those who wait for them now.
SELECT highway.hand_out_messages(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[]);

-- name: lapse_waits(tenant_ids, task_ids, epochs, keys) :exec
-- Waits for messages whose time limit was heard: a message that came since goes back to the inbox, for `hand_out`, and no other comes. The
-- commit holds the tasks, and whoever sends a message has to: it came before and goes back, or comes after and finds nobody.
WITH lapsed AS (
    SELECT w.tenant_id, w.task_id, w.step_key, w.workflow_run_id, (w.given ->> 'seq')::bigint AS seq, (w.given ->> 'update_id')::uuid AS update_id
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[]) AS g (tenant_id, task_id, epoch, key)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
      JOIN highway.wait AS w ON w.tenant_id = g.tenant_id AND w.task_id = g.task_id AND w.step_key = g.key
     WHERE w.kind IN ('signal', 'update')
), untaken AS (
    UPDATE highway.signal AS s SET taken_by = NULL, taken_at = NULL
      FROM lapsed AS l
     WHERE l.update_id IS NULL AND s.tenant_id = l.tenant_id AND s.workflow_run_id = l.workflow_run_id AND s.seq = l.seq
), unasked AS (
    UPDATE highway.update_request AS u SET state = 'pending', taken_by = NULL, taken_at = NULL
      FROM lapsed AS l
     WHERE u.tenant_id = l.tenant_id AND u.update_id = l.update_id AND u.state = 'taken'
)
UPDATE highway.wait AS w SET given = '{"lapsed": true}'
  FROM lapsed AS l
 WHERE w.tenant_id = l.tenant_id AND w.task_id = l.task_id AND w.step_key = l.step_key;

-- name: close_waits(tenant_ids, task_ids, epochs, keys) :exec
-- Ends waits for messages that got none by now, after `hand_out`: what is sent later stays in the inbox. One that got a message keeps it. Either
-- way it is over, and its task is told.
WITH closed AS (
    UPDATE highway.wait AS w SET given = '{"closed": true}'
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[]) AS g (tenant_id, task_id, epoch, key)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
     WHERE w.tenant_id = g.tenant_id AND w.task_id = g.task_id AND w.step_key = g.key AND w.given IS NULL
)
SELECT pg_notify('highway_control', '');

-- name: answer_updates(tenant_ids, task_ids, epochs, update_ids, results, errors) :exec
-- Replies to requests, in the transaction of the step that made them. Only to requests of the same run that were taken and not answered.
UPDATE highway.update_request AS u
   SET state = CASE WHEN g.error IS NULL THEN 'completed' ELSE 'failed' END, result = g.result::jsonb, error = g.error::jsonb,
       answered_at = highway.now()
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(update_ids)s::uuid[], %(results)s::text[], %(errors)s::text[])
       AS g (tenant_id, task_id, epoch, update_id, result, error)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
 WHERE u.tenant_id = g.tenant_id AND u.update_id = g.update_id AND u.workflow_run_id = t.workflow_run_id AND u.state = 'taken';

-- name: register_undo(tenant_ids, task_ids, epochs, run_ids, scopes, keys, calls) :exec
-- What has to be undone, with the checkpoints of what was done.
INSERT INTO highway.compensation (tenant_id, workflow_run_id, scope, step_key, call, registered_at)
SELECT g.tenant_id, g.run_id, g.scope, g.key, g.call::jsonb, highway.now()
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(scopes)s::text[], %(keys)s::text[],
              %(calls)s::text[]) AS g (tenant_id, task_id, epoch, run_id, scope, key, call)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL;

-- name: end_waits(tenant_ids, task_ids, epochs, keys) :exec
-- Forgets waits whose steps have ended.
DELETE FROM highway.wait AS w
 USING unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[]) AS g (tenant_id, task_id, epoch, key)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
 WHERE w.tenant_id = g.tenant_id AND w.task_id = g.task_id AND w.step_key = g.key;

-- name: write_journal(tenant_ids, task_ids, epochs, run_ids, kinds, scopes, keys, data) :exec
-- Facts that are not checkpoints: failed attempts, sleeps, log lines.
INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
SELECT g.tenant_id, g.run_id, highway.now(), g.kind, g.scope, g.key, g.data::jsonb
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(kinds)s::text[], %(scopes)s::text[],
              %(keys)s::text[], %(data)s::text[]) AS g (tenant_id, task_id, epoch, run_id, kind, scope, key, data)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL;

-- name: fork(tenant_ids, task_ids, epochs, keys, new_ids, kinds, paths, contexts, variables, completion_events, plans) :exec
-- Forks branches and activities, each with the parent's variables as the start of its own. The key is unique in its run: never one more. What a pausing task forks begins paused.
-- Activities go to the activity side of a queue: of the one that their plan names, else of the run's own.
WITH new AS MATERIALIZED (  -- each once, so that nothing has to be joined: a run may fork ten thousand in one commit
    SELECT g.*, g.plan::jsonb AS planned, t.workflow_run_id, t.queue, t.priority, t.pause_requested
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(new_ids)s::uuid[], %(kinds)s::text[],
                  %(paths)s::text[], %(contexts)s::text[], %(variables)s::text[], %(completion_events)s::text[], %(plans)s::text[])
           AS g (tenant_id, task_id, epoch, key, new_id, kind, path, context, variables, completion_event, plan)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
), forked AS (
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, key, path, queue, priority, available_at, context,
                              parent_task_id, report_key, completion_event, pause_requested, state)
    SELECT n.tenant_id, n.new_id, n.workflow_run_id, n.kind, n.key, ARRAY(SELECT jsonb_array_elements_text(n.path::jsonb)),
           CASE n.kind WHEN 'activity' THEN coalesce(n.planned ->> 'queue', n.queue) || ':activities' ELSE n.queue END,
           n.priority, highway.now(), n.context::jsonb, n.task_id, n.key, n.completion_event,
           n.pause_requested, CASE WHEN n.pause_requested THEN 'paused' ELSE 'pending' END
      FROM new AS n
), planned AS (
    INSERT INTO highway.activity (tenant_id, task_id, function, max_attempts, schedule_to_start_seconds, schedule_to_close_seconds, start_by, close_by,
                                  start_to_close_seconds, heartbeat_seconds)
    SELECT n.tenant_id, n.new_id, coalesce(p.function, ''), coalesce(p.max_attempts, 1), p.schedule_to_start, p.schedule_to_close,
           highway.now() + make_interval(secs => p.schedule_to_start), highway.now() + make_interval(secs => p.schedule_to_close),
           p.start_to_close, p.heartbeat
      FROM new AS n
     CROSS JOIN LATERAL jsonb_to_record(coalesce(n.planned, '{}'))
           AS p (function text, max_attempts int, schedule_to_start float8, schedule_to_close float8, start_to_close float8, heartbeat float8)
     WHERE n.kind = 'activity'
)
INSERT INTO highway.variable (tenant_id, workflow_run_id, scope, name, value)
SELECT n.tenant_id, n.workflow_run_id, n.key, v.key, v.value
  FROM new AS n
 CROSS JOIN LATERAL jsonb_each(n.variables::jsonb) AS v;

-- name: start_children(tenant_ids, task_ids, epochs, keys, definition_ids, hashes, names, inputs, max_generations) :many
-- Starts child runs of claimed tasks; the same key gives the same child. The id is NULL when there is no such definition or who asks is of the last
-- generation; no row comes when the fence is stale. Families are looked through once for each who asks.
WITH RECURSIVE asked AS MATERIALIZED (
    SELECT g.*, t.workflow_run_id AS asker
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(definition_ids)s::uuid[],
                  %(hashes)s::text[], %(names)s::text[], %(inputs)s::text[]) WITH ORDINALITY
             AS g (tenant_id, task_id, epoch, key, definition_id, hash, name, inputs, n)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
), line AS (  -- the runs that ask, and those above them
    SELECT r.tenant_id, r.workflow_run_id AS asker, r.parent_run_id, 1 AS generation
      FROM (SELECT DISTINCT a.tenant_id, a.asker FROM asked AS a) AS a
      JOIN highway.workflow_run AS r ON r.tenant_id = a.tenant_id AND r.workflow_run_id = a.asker
     UNION ALL
    SELECT l.tenant_id, l.asker, p.parent_run_id, l.generation + 1
      FROM line AS l
      JOIN highway.workflow_run AS p ON p.tenant_id = l.tenant_id AND p.workflow_run_id = l.parent_run_id
     WHERE l.generation < %(max_generations)s
), family AS MATERIALIZED (
    SELECT l.tenant_id, l.asker, max(l.generation) >= %(max_generations)s AS is_last_generation FROM line AS l GROUP BY 1, 2
)
SELECT a.task_id, a.key, f.is_last_generation, highway.submit_run(
           a.tenant_id, d.definition_id, a.inputs::jsonb, r.queue, r.priority, p_trigger => 'workflow', p_triggered_by => r.name,
           p_parent_task => a.task_id, p_parent_run => a.asker, p_parent_key => a.key) AS workflow_run_id
  FROM asked AS a
  JOIN family AS f ON f.tenant_id = a.tenant_id AND f.asker = a.asker
  JOIN highway.workflow_run AS r ON r.tenant_id = a.tenant_id AND r.workflow_run_id = a.asker
  LEFT JOIN LATERAL (
       SELECT d.definition_id FROM highway.workflow_definition AS d
        WHERE d.tenant_id = a.tenant_id AND NOT f.is_last_generation
          AND (d.definition_id = a.definition_id OR d.definition_hash = a.hash OR d.name = a.name)
        ORDER BY d.version DESC LIMIT 1) AS d ON true
 ORDER BY a.n;

-- name: emit(tenant_ids, task_ids, epochs, run_ids, names, payloads, emitters) :exec
-- Events of runs; first emit wins.
WITH emitted AS (
    INSERT INTO highway.event (tenant_id, workflow_run_id, name, payload, emitted_by, at)
    SELECT g.tenant_id, g.run_id, g.name, g.payload::jsonb, g.emitter, highway.now()
      FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(names)s::text[],
                  %(payloads)s::text[], %(emitters)s::text[]) AS g (tenant_id, task_id, epoch, run_id, name, payload, emitter)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, workflow_run_id, name
)
SELECT highway.wake_event_waiters(array_agg(tenant_id), array_agg(workflow_run_id), array_agg(name)) FROM emitted HAVING count(*) > 0;

-- name: count_calls(tenant_ids, task_ids, epochs, keys, workflows, resources, outcomes, failure_thresholds, success_thresholds, isolations, errors) :exec
-- Tells circuit breakers how calls ended.
SELECT highway.count_calls(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(workflows)s::text[],
                           %(resources)s::text[], %(outcomes)s::text[], %(failure_thresholds)s::int[], %(success_thresholds)s::int[],
                           %(isolations)s::float8[], %(errors)s::text[]);

-- name: change_locks(tenant_ids, task_ids, epochs, keys, names, changes) :exec
-- What steps make of their tickets for named locks.
SELECT highway.change_locks(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(names)s::text[], %(changes)s::text[]);

-- name: queue_for_locks(tenant_ids, task_ids, epochs, keys, names) :exec
-- Requests of named locks: check and register in one.
SELECT highway.queue_for_locks(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(names)s::text[]);

-- name: set_attributes(tenant_ids, task_ids, epochs, run_ids, changes) :exec
-- Search attributes that steps set.
SELECT highway.merge_attributes(g.tenant_id, g.run_id, g.changes::jsonb)
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(run_ids)s::uuid[], %(changes)s::text[])
       WITH ORDINALITY AS g (tenant_id, task_id, epoch, run_id, changes, n)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
 ORDER BY g.run_id, g.n;

-- name: cancel_branches(tenant_id, task_id, epoch, keys) :exec
-- Cancels tasks of the run by key, on behalf of one of its tasks.
SELECT highway.cancel_tasks(t.tenant_id, array_agg(c.task_id), 'cancelled by the workflow')
  FROM highway.task AS t
  JOIN highway.task AS c ON c.tenant_id = t.tenant_id AND c.workflow_run_id = t.workflow_run_id AND c.key = ANY (%(keys)s::text[])
 WHERE t.tenant_id = %(tenant_id)s AND t.task_id = %(task_id)s AND t.epoch = %(epoch)s AND t.claimed_by IS NOT NULL
 GROUP BY t.tenant_id;

-- name: progress(tenant_ids, task_ids, epochs) :exec
-- A task that was rescued has moved on: its bad luck is forgotten.
UPDATE highway.task AS t SET rescues = 0
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[]) AS g (tenant_id, task_id, epoch)
 WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL AND t.rescues > 0;

-- name: pause(tenant_id, task_id, epoch, reason) :exec
-- Pauses the task's run because a step of it needs a person.
SELECT highway.apply_pause(t.tenant_id, t.workflow_run_id, 'highway', %(reason)s)
  FROM highway.task AS t
 WHERE t.tenant_id = %(tenant_id)s AND t.task_id = %(task_id)s AND t.epoch = %(epoch)s AND t.claimed_by IS NOT NULL AND NOT t.cancel_requested;

-- name: continue_run(tenant_id, task_id, epoch, inputs) :exec
-- Starts the next run of the chain of a task that ends with this commit.
SELECT highway.continue_run(%(tenant_id)s, %(task_id)s, %(epoch)s, %(inputs)s::jsonb);

-- name: suspend(tenant_ids, task_ids, epochs) :exec
-- Exit "sleep": gives the task back until its first wait is over; one that has nothing left to wait for is claimable at once, one that was asked to pause is paused.
UPDATE highway.task AS t
   SET state = CASE WHEN t.cancel_requested THEN 'pending' WHEN t.pause_requested THEN 'paused'
                    WHEN coalesce(w.is_over, true) THEN 'pending' ELSE 'sleeping' END,
       available_at = CASE WHEN coalesce(w.is_over, true) OR t.cancel_requested THEN highway.now() ELSE w.first_due END,
       claimed_by = NULL, running_steps = NULL
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[]) AS g (tenant_id, task_id, epoch)
 CROSS JOIN LATERAL highway.wait_standing(g.tenant_id, g.task_id) AS w
 WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL;

-- name: hand_back(tenant_ids, task_ids, epochs, seconds) :exec
-- Gives tasks back unfinished, claimable after `seconds`: at a stop, when this worker lacks a tool or a slot, or when a pause keeps it from what is
-- next. One that is claimable at once keeps its place among those that wait.
UPDATE highway.task AS t
   SET state = CASE WHEN t.cancel_requested THEN 'pending' WHEN t.pause_requested THEN 'paused'
                    WHEN g.seconds > 0 THEN 'sleeping' ELSE 'pending' END,
       available_at = CASE WHEN g.seconds > 0 THEN highway.now() + make_interval(secs => g.seconds)
                           ELSE least(t.available_at, highway.now()) END,
       claimed_by = NULL, running_steps = NULL
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(seconds)s::float8[]) AS g (tenant_id, task_id, epoch, seconds)
 WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL;

-- name: finish(tenant_ids, task_ids, epochs, states, results, errors) :many
-- Exits "success" and "failure" of claimed tasks, with all that follows from them.
SELECT highway.finish_tasks(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[],
                            %(states)s::text[], %(results)s::text[], %(errors)s::text[]) AS task_id;

-- name: pass_steps(tenant_ids, task_ids, epochs, keys, uses, in_line) :many
-- Steps ask for slots and starts, after their waits were registered; which may run now.
SELECT task_id, step_key, granted
  FROM highway.pass_steps(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[], %(uses)s::text[], %(in_line)s::bool[]);

-- name: free_slots(tenant_ids, task_ids, epochs, keys) :exec
-- Steps that are over give their slots back, or leave the line.
SELECT highway.free_slots(t.tenant_id, t.task_id, array_agg(g.key))
  FROM unnest(%(tenant_ids)s::uuid[], %(task_ids)s::uuid[], %(epochs)s::int[], %(keys)s::text[]) AS g (tenant_id, task_id, epoch, key)
  JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
 GROUP BY t.tenant_id, t.task_id;

-- name: hint() :exec
-- Tells workers that listen that there is something to claim.
SELECT highway.hint_work();
