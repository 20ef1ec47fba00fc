-- name: register(tenant_id, definition_hash, name, definition, source, source_format) :one
-- Stores a definition under its hash, or finds it.
SELECT definition_id, version, created
  FROM highway.register_definition(%(tenant_id)s, %(definition_hash)s, %(name)s, %(definition)s::jsonb, %(source)s, %(source_format)s);

-- name: meant_definition(tenant_id, definition_id, definition_hash, name, version) :one
-- The labels of a stored definition; no row when there is none.
SELECT m.definition_id, m.definition_hash, m.name, m.version
  FROM highway.meant_definition(highway.speak_for(%(tenant_id)s), %(definition_id)s, %(definition_hash)s, %(name)s, %(version)s::int) AS m
 WHERE m.definition_id IS NOT NULL;

-- name: submit(tenant_id, definition_id, inputs, queue, priority, delay_seconds, tags, attributes, trigger, triggered_by, retry_of) :one
-- Starts a run, and tells what was started; no row when there is no such definition. Tells the database its tenant by itself, as the next ones do.
SELECT s.workflow_run_id, s.definition_id, s.definition_hash, s.name, s.version, s.status
  FROM highway.submit(highway.speak_for(%(tenant_id)s), %(definition_id)s, %(inputs)s::jsonb, %(queue)s, %(priority)s::smallint,
                      %(delay_seconds)s::float8, %(tags)s::text[], %(attributes)s::jsonb, %(trigger)s, %(triggered_by)s, %(retry_of)s) AS s
 WHERE s.workflow_run_id IS NOT NULL;

-- name: submit_many(tenant_id, definition_id, inputs, queue, priority, delay_seconds, tags, attributes, trigger, triggered_by) :many
-- Starts a run for each of the inputs, in their order; no rows when there is no such definition.
SELECT s.workflow_run_id
  FROM highway.submit_runs(%(tenant_id)s, %(definition_id)s, %(inputs)s::text[], %(queue)s, %(priority)s::smallint, %(delay_seconds)s::float8,
                           %(tags)s::text[], %(attributes)s::jsonb, %(trigger)s, %(triggered_by)s) AS s (workflow_run_id);

-- name: keep(tenant_id, workflow_run_id) :one
-- Holds the run's row until the end of the transaction, so that retention passes it by: what is copied from it stays.
SELECT r.workflow_run_id FROM highway.workflow_run AS r
 WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = %(workflow_run_id)s FOR KEY SHARE;

-- name: cancel(tenant_id, workflow_run_id, reason) :one
-- Asks a run to stop; its status afterwards.
SELECT highway.cancel_run(highway.speak_for(%(tenant_id)s), %(workflow_run_id)s, %(reason)s) AS status;

-- name: emit_event(tenant_id, workflow_run_id, name, payload, by) :one
-- Emits an event from outside; whether it was the first of its name.
SELECT highway.emit_event(highway.speak_for(%(tenant_id)s), %(workflow_run_id)s, %(name)s, %(payload)s::jsonb, %(by)s) AS first;

-- name: send_signal(tenant_id, workflow_run_id, name, payload, by) :one
-- Puts a signal into the run's inbox.
SELECT highway.send_signal(highway.speak_for(%(tenant_id)s), %(workflow_run_id)s, %(name)s, %(payload)s::jsonb, %(by)s) AS seq;

-- name: find_definition(tenant_id, definition_id, definition_hash, name, version) :one
-- A definition by id, by hash, or by name (newest version unless one is named).
SELECT d.definition_id, d.definition_hash, d.name, d.version, d.definition, d.source, d.source_format, d.created_at
  FROM highway.workflow_definition AS d
 WHERE d.tenant_id = %(tenant_id)s
   AND (d.definition_id = %(definition_id)s::uuid OR d.definition_hash = %(definition_hash)s::text
        OR (d.name = %(name)s::text AND (%(version)s::int IS NULL OR d.version = %(version)s::int)))
 ORDER BY d.version DESC
 LIMIT 1;

-- name: list_workflows(tenant_id, after_name, quantity) :many
-- The newest definition of each name, by name, each with its last twenty runs, newest first.
SELECT d.definition_id, d.definition_hash, d.name, d.version, d.source_format, d.created_at,
       ARRAY(SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = d.tenant_id AND r.name = d.name
              ORDER BY r.workflow_run_id DESC LIMIT 20) AS last_statuses,
       (SELECT r.created_at FROM highway.workflow_run AS r WHERE r.tenant_id = d.tenant_id AND r.name = d.name
         ORDER BY r.workflow_run_id DESC LIMIT 1) AS last_run_at
  FROM (SELECT DISTINCT ON (o.name) o.* FROM highway.workflow_definition AS o
         WHERE o.tenant_id = %(tenant_id)s AND o.name > %(after_name)s ORDER BY o.name, o.version DESC LIMIT %(quantity)s) AS d
 ORDER BY d.name;

-- name: get(tenant_id, workflow_run_id) :one
-- One run with the state of its own task.
SELECT r.tenant_id, r.workflow_run_id, r.definition_id, r.definition_hash, r.name, r.version, r.status, r.queue, r.priority, r.inputs, r.error,
       r.trigger, r.triggered_by, r.tags, r.attributes, r.parent_run_id, r.retry_of, r.created_at, r.started_at, r.finished_at,
       r.deadline_at, r.cancel_requested_at, r.cancel_reason, r.paused_at, r.paused_by, r.pause_reason, r.fork_of, r.fork_step,
       r.continued_from, r.continued_to,
       t.attempt, t.claimed_by, t.result, t.available_at,
       (SELECT w.name FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) AS worker
  FROM highway.workflow_run AS r
  LEFT JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.task_id = r.workflow_run_id
 WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = %(workflow_run_id)s;

-- name: list(tenant_id, statuses, names, patterns, text, created_from, created_to, before, walk, quantity) :many replanned
-- Runs, newest first, strictly older than the id `before`; a filter that is NULL does not filter. `patterns` are LIKE patterns of names.
-- `text` is looked for in the newest `walk` runs (NULL: in all) that the other filters leave, of each status.
-- Each status is read by itself, between two places of its index: of an equation the planner would think that it holds for most runs, as it does for
-- completed ones, and read all runs to find the few that failed. Ids tell the time, give or take an hour.
SELECT r.workflow_run_id, r.definition_id, r.definition_hash, r.name, r.version, r.status, r.queue, r.priority, r.trigger, r.triggered_by,
       r.tags, r.parent_run_id, r.retry_of, r.created_at, r.started_at, r.finished_at, r.cancel_requested_at, r.error
  FROM (SELECT DISTINCT unnest(coalesce(%(statuses)s::text[], ARRAY[NULL::text])) AS status) AS s
 CROSS JOIN highway.ids_between(%(created_from)s::timestamptz - interval '1 hour', %(created_to)s::timestamptz + interval '1 hour',
                               CASE WHEN %(text)s::text IS NULL OR %(walk)s::bigint IS NULL THEN %(before)s::uuid END) AS b
 CROSS JOIN LATERAL (
       SELECT * FROM (
              SELECT * FROM highway.workflow_run AS o
               WHERE o.tenant_id = %(tenant_id)s AND o.workflow_run_id >= b.low AND o.workflow_run_id < b.high
                 AND (%(statuses)s::text[] IS NULL OR ((o.status, o.workflow_run_id) >= (s.status, b.low)
                                                   AND (o.status, o.workflow_run_id) < (s.status, b.high)))
                 AND (%(names)s::text[] IS NULL OR o.name = ANY (%(names)s::text[]))
                 AND (%(patterns)s::text[] IS NULL OR o.name LIKE ANY (%(patterns)s::text[]))
                 AND (%(created_from)s::timestamptz IS NULL OR o.created_at >= %(created_from)s::timestamptz)
                 AND (%(created_to)s::timestamptz IS NULL OR o.created_at < %(created_to)s::timestamptz)
               ORDER BY CASE WHEN %(statuses)s::text[] IS NOT NULL THEN o.status END DESC, o.workflow_run_id DESC
               LIMIT CASE WHEN %(text)s::text IS NULL THEN %(quantity)s::bigint ELSE %(walk)s::bigint END) AS o
        WHERE %(text)s::text IS NULL
           OR (%(before)s::uuid IS NULL OR o.workflow_run_id < %(before)s::uuid)
              AND (o.name ILIKE %(text)s::text OR o.workflow_run_id::text ILIKE %(text)s::text
                   OR o.triggered_by ILIKE %(text)s::text OR o.error ->> 'message' ILIKE %(text)s::text)
        ORDER BY o.workflow_run_id DESC
        LIMIT %(quantity)s) AS r
 ORDER BY r.workflow_run_id DESC
 LIMIT %(quantity)s;

-- name: count_by_status(tenant_id, created_from, cap) :many replanned
-- How many runs of each status, counted up to `cap` each; the time is read from their ids, so that the index has all of it.
SELECT s.status, (SELECT count(*) FROM (
           SELECT FROM highway.workflow_run AS r
            WHERE r.tenant_id = %(tenant_id)s
              AND (r.status, r.workflow_run_id) >= (s.status, b.low) AND (r.status, r.workflow_run_id) < (s.status, b.high)
            ORDER BY r.status DESC, r.workflow_run_id DESC
            LIMIT %(cap)s) AS counted) AS runs
  FROM unnest(ARRAY['pending', 'running', 'sleeping', 'paused', 'completed', 'failed', 'cancelled', 'compensated']) AS s (status)
 CROSS JOIN highway.ids_between(%(created_from)s::timestamptz) AS b;

-- name: names_like(tenant_id, text, quantity) :many
-- Names of the tenant's workflows that a pattern for ILIKE matches.
SELECT DISTINCT d.name FROM highway.workflow_definition AS d
 WHERE d.tenant_id = %(tenant_id)s AND d.name ILIKE %(text)s::text
 ORDER BY d.name LIMIT %(quantity)s;

-- name: count_newer(tenant_id, after, cap) :one
-- How many runs were started after the given one, counted up to `cap`.
SELECT count(*) AS runs FROM (
    SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id > %(after)s LIMIT %(cap)s) AS counted;

-- name: tags(tenant_id, run_ids) :many
-- For each run a number that changes whenever something about it changed that a page may show. No row: no such run.
-- Entries are counted: one that is committed late may have a smaller number than others that are seen already.
SELECT r.workflow_run_id, hashtextextended(concat_ws('|', r.status, r.cancel_requested_at, r.started_at, r.paused_at,
           (SELECT concat_ws(',', count(*), max(k.seq)) FROM highway.checkpoint AS k WHERE k.tenant_id = r.tenant_id AND k.workflow_run_id = r.workflow_run_id),
           (SELECT count(*) FROM highway.journal AS j WHERE j.tenant_id = r.tenant_id AND j.workflow_run_id = r.workflow_run_id),
           (SELECT count(*) FROM highway.event AS e WHERE e.tenant_id = r.tenant_id AND e.workflow_run_id = r.workflow_run_id),
           (SELECT count(*) FROM highway.signal AS s WHERE s.tenant_id = r.tenant_id AND s.workflow_run_id = r.workflow_run_id),
           (SELECT string_agg(concat_ws(',', t.state, t.epoch, t.running_steps, t.cancel_requested, t.pause_requested,
                       CASE t.kind WHEN 'activity' THEN (SELECT a.heartbeats FROM highway.activity AS a
                                                          WHERE a.tenant_id = t.tenant_id AND a.task_id = t.task_id) END, (
                       SELECT string_agg(concat_ws('.', w.step_key, w.attempt, w.needed, w.due_at), ',' ORDER BY w.step_key) FROM highway.wait AS w
                        WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id)), ';' ORDER BY t.task_id)
              FROM highway.task AS t WHERE t.tenant_id = r.tenant_id AND t.workflow_run_id = r.workflow_run_id)), 0) AS tag
  FROM highway.workflow_run AS r
 WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = ANY (%(run_ids)s::uuid[]);

-- name: checkpoints(tenant_id, workflow_run_id, scope, step_key, after, quantity) :many
-- Finished steps in the order in which they ended; `scope` and `step_key` narrow when they are not NULL.
SELECT k.scope, k.step_key, k.seq, k.operator, k.outcome, k.attempt, k.started_at, k.finished_at, k.reason, k.input, k.result, k.error, k.worker_id
  FROM highway.checkpoint AS k
 WHERE k.tenant_id = %(tenant_id)s AND k.workflow_run_id = %(workflow_run_id)s AND k.seq > %(after)s
   AND (%(scope)s::text IS NULL OR k.scope = %(scope)s::text)
   AND (%(step_key)s::text IS NULL OR k.step_key = %(step_key)s::text)
 ORDER BY k.seq
 LIMIT %(quantity)s;

-- name: tasks(tenant_id, workflow_run_id) :many
-- The tasks of a run: the run's own, branches, activities; with what they are doing.
SELECT t.task_id, t.kind, t.key, t.state, t.attempt, t.rescues, t.epoch, t.claimed_at, t.running_steps, t.cancel_requested,
       t.available_at, t.created_at, t.finished_at, t.error, t.queue,
       (SELECT w.name FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) AS worker
  FROM highway.task AS t
 WHERE t.tenant_id = %(tenant_id)s AND t.workflow_run_id = %(workflow_run_id)s
 ORDER BY t.task_id;

-- name: waits(tenant_id, workflow_run_id) :many
-- What the run waits for, by task and step.
SELECT t.key AS scope, w.step_key, w.kind, w.due_at, w.event_name, w.awaited, w.needed, w.attempt, w.error, w.created_at, w.request
  FROM highway.task AS t
  JOIN highway.wait AS w ON w.tenant_id = t.tenant_id AND w.task_id = t.task_id
 WHERE t.tenant_id = %(tenant_id)s AND t.workflow_run_id = %(workflow_run_id)s AND highway.is_open(t.state)
 ORDER BY w.created_at, w.step_key;

-- name: why_waiting(tenant_id, workflow_run_id) :many
-- Why an open run is not going on, the most telling cause first.
SELECT w.code, w.words AS text, w.scope, w.step_key, w.until, w.data FROM highway.why_waiting(%(tenant_id)s, %(workflow_run_id)s) AS w;

-- name: journal(tenant_id, workflow_run_id, kinds, after, quantity) :many
-- Entries of the run's journal, oldest first; all kinds when NULL.
SELECT j.seq, j.at, j.kind, j.scope, j.step_key, j.data
  FROM highway.journal AS j
 WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = %(workflow_run_id)s AND j.seq > %(after)s
   AND (%(kinds)s::text[] IS NULL OR j.kind = ANY (%(kinds)s::text[]))
 ORDER BY j.seq
 LIMIT %(quantity)s;

-- name: events(tenant_id, workflow_run_id) :many
-- The run's events, oldest first.
SELECT e.seq, e.at, e.name, e.payload, e.emitted_by FROM highway.event AS e
 WHERE e.tenant_id = %(tenant_id)s AND e.workflow_run_id = %(workflow_run_id)s ORDER BY e.seq;

-- name: signals(tenant_id, workflow_run_id) :many
-- The run's inbox, oldest first.
SELECT s.seq, s.at, s.name, s.payload, s.sent_by, s.taken_by FROM highway.signal AS s
 WHERE s.tenant_id = %(tenant_id)s AND s.workflow_run_id = %(workflow_run_id)s ORDER BY s.seq;

-- name: variables(tenant_id, workflow_run_id, scope) :many
-- The variables of one scope of the run.
SELECT v.name, v.value, v.version FROM highway.variable AS v
 WHERE v.tenant_id = %(tenant_id)s AND v.workflow_run_id = %(workflow_run_id)s AND v.scope = %(scope)s ORDER BY v.name;

-- name: family(tenant_id, workflow_run_id) :many
-- Runs related to this one: its parent, what it retries, forks or continues, its children, its retries, its forks and what continues it.
SELECT o.workflow_run_id, o.name, o.status, o.created_at,
       CASE WHEN o.workflow_run_id = r.parent_run_id THEN 'parent' WHEN o.workflow_run_id = r.retry_of THEN 'retry_of'
            WHEN o.parent_run_id = r.workflow_run_id THEN 'child' WHEN o.retry_of = r.workflow_run_id THEN 'retry'
            WHEN o.workflow_run_id = r.fork_of THEN 'fork_of' WHEN o.fork_of = r.workflow_run_id THEN 'fork'
            WHEN o.workflow_run_id = r.continued_from THEN 'continued_from' ELSE 'continued_to' END AS relation
  FROM highway.workflow_run AS r
  JOIN highway.workflow_run AS o ON o.tenant_id = r.tenant_id
   AND (o.workflow_run_id IN (r.parent_run_id, r.retry_of, r.fork_of, r.continued_from, r.continued_to)
        OR o.parent_run_id = r.workflow_run_id OR o.retry_of = r.workflow_run_id OR o.fork_of = r.workflow_run_id)
 WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = %(workflow_run_id)s
 ORDER BY o.workflow_run_id
 LIMIT 200;

-- name: health() :many
-- What the workers measured last, and how old it is.
SELECT h.measure, h.value, extract(epoch FROM highway.now() - h.at)::float8 AS age_seconds FROM highway.health AS h;

-- name: workers() :many
-- Live workers.
SELECT w.worker_id, w.name, w.queues, w.slots, w.running, w.draining, w.started_at, w.last_seen_at, w.code_version,
       (w.requested_state = 'active' AND NOT w.draining) AS takes_work
  FROM highway.worker AS w WHERE w.lease_expires_at > highway.now() ORDER BY w.name;

-- name: story(tenant_id, workflow_run_id, after, quantity) :many
-- Everything that happened to the run in one order; log lines are left to the journal query.
SELECT s.seq, s.at, s.kind, s.scope, s.step_key, s.data FROM (
    SELECT k.seq, k.finished_at AS at, 'step_' || k.outcome AS kind, k.scope, k.step_key,
           jsonb_strip_nulls(jsonb_build_object('operator', k.operator, 'attempt', k.attempt, 'reason', k.reason, 'error', k.error)) AS data
      FROM highway.checkpoint AS k
     WHERE k.tenant_id = %(tenant_id)s AND k.workflow_run_id = %(workflow_run_id)s AND k.seq > %(after)s
    UNION ALL
    SELECT j.seq, j.at, j.kind, j.scope, j.step_key, j.data
      FROM highway.journal AS j
     WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = %(workflow_run_id)s AND j.seq > %(after)s AND j.kind <> 'log'
    UNION ALL
    SELECT e.seq, e.at, 'event', '', '', jsonb_build_object('name', e.name, 'payload', e.payload, 'emitted_by', e.emitted_by)
      FROM highway.event AS e
     WHERE e.tenant_id = %(tenant_id)s AND e.workflow_run_id = %(workflow_run_id)s AND e.seq > %(after)s
    UNION ALL
    SELECT s.seq, s.at, 'signal', '', '', jsonb_build_object('name', s.name, 'payload', s.payload, 'sent_by', s.sent_by)
      FROM highway.signal AS s
     WHERE s.tenant_id = %(tenant_id)s AND s.workflow_run_id = %(workflow_run_id)s AND s.seq > %(after)s) AS s
 ORDER BY s.seq
 LIMIT %(quantity)s;
