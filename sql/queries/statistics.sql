-- Figures about runs are taken from the newest `quantity` of them in a window of time, so that no call reads a tenant's whole past.

-- name: runs(tenant_id, name, since, until, quantity) :one replanned
-- How many runs of each status, how the failed ones failed, and how long the ended ones took, in seconds.
WITH seen AS MATERIALIZED (
    SELECT r.status, r.error ->> 'kind' AS kind, extract(epoch FROM r.finished_at - r.started_at)::float8 AS seconds
      FROM highway.workflow_run AS r
     WHERE r.tenant_id = %(tenant_id)s AND (%(name)s::text IS NULL OR r.name = %(name)s::text)
       AND r.created_at >= %(since)s::timestamptz AND r.workflow_run_id >= highway.uuid7_from(%(since)s::timestamptz - interval '1 hour')
       AND r.created_at < %(until)s::timestamptz AND r.workflow_run_id < highway.uuid7_from(%(until)s::timestamptz + interval '1 hour')
     ORDER BY r.workflow_run_id DESC
     LIMIT %(quantity)s
)
SELECT count(*) AS total,
       (SELECT coalesce(jsonb_object_agg(g.status, g.runs), '{}') FROM (
            SELECT s.status, count(*) AS runs FROM seen AS s GROUP BY s.status) AS g) AS by_status,
       (SELECT coalesce(jsonb_object_agg(coalesce(g.kind, 'unknown'), g.runs), '{}') FROM (
            SELECT s.kind, count(*) AS runs FROM seen AS s WHERE s.status = 'failed' GROUP BY s.kind) AS g) AS failures,
       avg(s.seconds) AS average, sum(s.seconds) AS seconds,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY s.seconds) AS percentiles
  FROM seen AS s;

-- name: by_workflow(tenant_id, name, since, quantity) :many replanned
-- The same by workflow, the busiest first.
SELECT s.name, count(*) AS total,
       count(*) FILTER (WHERE s.status = 'completed') AS completed,
       count(*) FILTER (WHERE s.status = 'failed') AS failed,
       count(*) FILTER (WHERE s.status IN ('cancelled', 'compensated')) AS stopped,
       avg(s.seconds) AS average, min(s.seconds) AS shortest, max(s.seconds) AS longest,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY s.seconds) AS percentiles
  FROM (SELECT r.name, r.status, extract(epoch FROM r.finished_at - r.started_at)::float8 AS seconds
          FROM highway.workflow_run AS r
         WHERE r.tenant_id = %(tenant_id)s AND (%(name)s::text IS NULL OR r.name = %(name)s::text)
           AND r.created_at >= %(since)s::timestamptz AND r.workflow_run_id >= highway.uuid7_from(%(since)s::timestamptz - interval '1 hour')
         ORDER BY r.workflow_run_id DESC
         LIMIT %(quantity)s) AS s
 GROUP BY s.name
 ORDER BY count(*) DESC, s.name;

-- name: story_sizes(tenant_id, run_ids, cap) :many
-- For each run, how many checkpoints (and steps among them), failed attempts, events and signals, and other entries it has, up to `cap` each.
SELECT g.run_id AS workflow_run_id,
       k.checkpoints, k.steps,
       (SELECT count(*) FROM (SELECT FROM highway.event AS e
                               WHERE e.tenant_id = %(tenant_id)s AND e.workflow_run_id = g.run_id LIMIT %(cap)s) AS c) AS events,
       (SELECT count(*) FROM (SELECT FROM highway.signal AS s
                               WHERE s.tenant_id = %(tenant_id)s AND s.workflow_run_id = g.run_id LIMIT %(cap)s) AS c) AS signals,
       j.retries, j.logs, j.others
  FROM unnest(%(run_ids)s::uuid[]) AS g (run_id)
 CROSS JOIN LATERAL (
       SELECT count(*) AS checkpoints, count(*) FILTER (WHERE NOT starts_with(o.step_key, '@')) AS steps
         FROM (SELECT i.step_key FROM highway.checkpoint AS i
                WHERE i.tenant_id = %(tenant_id)s AND i.workflow_run_id = g.run_id LIMIT %(cap)s) AS o) AS k
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE o.kind = 'attempt_failed') AS retries, count(*) FILTER (WHERE o.kind = 'log') AS logs,
              count(*) FILTER (WHERE o.kind NOT IN ('attempt_failed', 'log')) AS others
         FROM (SELECT i.kind FROM highway.journal AS i
                WHERE i.tenant_id = %(tenant_id)s AND i.workflow_run_id = g.run_id LIMIT %(cap)s) AS o) AS j;

-- name: timeline(tenant_id, run_id, since, kinds, walk, quantity) :many replanned
-- What happened lately, newest first: in one run, or in the newest `walk` runs of each status that are open or were started since then.
WITH run AS (
    SELECT r.workflow_run_id, r.name
      FROM unnest(ARRAY['pending', 'running', 'sleeping', 'paused', 'completed', 'failed', 'cancelled', 'compensated']) AS s (status)
     CROSS JOIN highway.ids_between() AS a
     CROSS JOIN highway.ids_between(%(since)s::timestamptz) AS b
     CROSS JOIN LATERAL (
           SELECT * FROM highway.workflow_run AS o
            WHERE o.tenant_id = %(tenant_id)s AND %(run_id)s::uuid IS NULL
              AND (o.status, o.workflow_run_id) >= (s.status, CASE WHEN highway.is_open(s.status) THEN a.low ELSE b.low END)
              AND (o.status, o.workflow_run_id) < (s.status, b.high)
            ORDER BY o.status DESC, o.workflow_run_id DESC
            LIMIT %(walk)s) AS r
    UNION ALL
    SELECT r.workflow_run_id, r.name FROM highway.workflow_run AS r
     WHERE r.tenant_id = %(tenant_id)s AND r.workflow_run_id = %(run_id)s::uuid
)
SELECT s.seq, s.at, s.kind, s.scope, s.step_key, s.data, r.workflow_run_id, r.name
  FROM run AS r
 CROSS JOIN LATERAL (
       SELECT k.seq, k.finished_at AS at, 'step_' || k.outcome AS kind, k.scope, k.step_key,
              jsonb_strip_nulls(jsonb_build_object('operator', k.operator, 'attempt', k.attempt, 'reason', k.reason, 'error', k.error)) AS data
         FROM highway.checkpoint AS k WHERE k.tenant_id = %(tenant_id)s AND k.workflow_run_id = r.workflow_run_id
        UNION ALL
       SELECT j.seq, j.at, j.kind, j.scope, j.step_key, j.data
         FROM highway.journal AS j WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = r.workflow_run_id
        UNION ALL
       SELECT e.seq, e.at, 'event', '', '', jsonb_build_object('name', e.name, 'emitted_by', e.emitted_by)
         FROM highway.event AS e WHERE e.tenant_id = %(tenant_id)s AND e.workflow_run_id = r.workflow_run_id
        UNION ALL
       SELECT g.seq, g.at, 'signal', '', '', jsonb_build_object('name', g.name, 'sent_by', g.sent_by)
         FROM highway.signal AS g WHERE g.tenant_id = %(tenant_id)s AND g.workflow_run_id = r.workflow_run_id) AS s
 WHERE s.at >= %(since)s::timestamptz AND (%(kinds)s::text[] IS NULL OR s.kind = ANY (%(kinds)s::text[]))
 ORDER BY s.seq DESC
 LIMIT %(quantity)s;
