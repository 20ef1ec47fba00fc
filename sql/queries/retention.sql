-- name: get(tenant_id) :one
-- How long the tenant's ended runs are kept.
SELECT k.keep_completed_days, k.keep_failed_days FROM highway.keeps(%(tenant_id)s) AS k;

-- name: preview(tenant_id, keep_completed_days, keep_failed_days, cap) :one replanned
-- How many ended runs a policy would not keep, completed and others, counted up to `cap` each, and when the oldest of them ended.
WITH before AS (
    SELECT highway.now() - make_interval(days => %(keep_completed_days)s::int) AS completed,
           highway.now() - make_interval(days => %(keep_failed_days)s::int) AS failed
)
SELECT c.runs AS completed, f.runs AS failed, least(c.oldest, f.oldest) AS oldest
  FROM before AS b
 CROSS JOIN LATERAL (SELECT count(*) AS runs, min(o.finished_at) AS oldest FROM (
           SELECT r.finished_at FROM highway.workflow_run AS r
            WHERE r.tenant_id = %(tenant_id)s AND (r.status = 'completed') AND r.finished_at < b.completed
              AND highway.is_forgettable(r, b.completed, b.failed)
            ORDER BY r.finished_at LIMIT %(cap)s) AS o) AS c
 CROSS JOIN LATERAL (SELECT count(*) AS runs, min(o.finished_at) AS oldest FROM (
           SELECT r.finished_at FROM highway.workflow_run AS r
            WHERE r.tenant_id = %(tenant_id)s AND (r.status = 'completed') IS FALSE AND r.finished_at < b.failed
              AND highway.is_forgettable(r, b.completed, b.failed)
            ORDER BY r.finished_at LIMIT %(cap)s) AS o) AS f;

-- name: put(tenant_id, keep_completed_days, keep_failed_days, by) :exec
-- Sets how long; NULL is for ever.
INSERT INTO highway.retention_policy (tenant_id, keep_completed_days, keep_failed_days, changed_by)
VALUES (%(tenant_id)s, %(keep_completed_days)s, %(keep_failed_days)s, %(by)s)
ON CONFLICT (tenant_id) DO UPDATE
   SET keep_completed_days = excluded.keep_completed_days, keep_failed_days = excluded.keep_failed_days,
       changed_at = highway.now(), changed_by = excluded.changed_by;

-- name: tenants_after(after_tenant, quantity) :many
-- Tenants that have runs, in order, behind a given one, and whether any of them has ended so long ago that its policy may not keep it:
-- three looks into indexes for each.
WITH RECURSIVE tenant (tenant_id, n) AS (
    (SELECT r.tenant_id, 1 FROM highway.workflow_run AS r WHERE r.tenant_id > %(after_tenant)s ORDER BY r.tenant_id LIMIT 1)
    UNION ALL
    SELECT s.tenant_id, t.n + 1
      FROM tenant AS t
     CROSS JOIN LATERAL (SELECT r.tenant_id FROM highway.workflow_run AS r WHERE r.tenant_id > t.tenant_id ORDER BY r.tenant_id LIMIT 1) AS s
     WHERE t.n < %(quantity)s
)
SELECT t.tenant_id,
       coalesce((SELECT r.finished_at FROM highway.workflow_run AS r WHERE r.tenant_id = t.tenant_id AND (r.status = 'completed') IS TRUE
                  AND r.finished_at IS NOT NULL ORDER BY r.finished_at LIMIT 1)
                < highway.now() - make_interval(days => k.keep_completed_days), false)
    OR coalesce((SELECT r.finished_at FROM highway.workflow_run AS r WHERE r.tenant_id = t.tenant_id AND (r.status = 'completed') IS FALSE
                  AND r.finished_at IS NOT NULL ORDER BY r.finished_at LIMIT 1)
                < highway.now() - make_interval(days => k.keep_failed_days), false) AS has_old_runs
  FROM tenant AS t
 CROSS JOIN LATERAL highway.keeps(t.tenant_id) AS k;

-- name: forget_old_runs(tenant_id, quantity) :one
-- Forgets ended runs that the tenant's policy does not keep.
SELECT highway.forget_old_runs(%(tenant_id)s, %(quantity)s) AS runs;

-- name: forget_runs(tenant_id, run_ids) :one
-- Deletes every row of these runs; the caller holds them.
SELECT highway.forget_runs(%(tenant_id)s, %(run_ids)s::uuid[]) AS runs;

-- name: collect_blobs(quantity) :one
-- Deletes payloads that no run refers to.
SELECT highway.collect_blobs(%(quantity)s) AS blobs;

-- name: schedules_after(after_tenant, after_schedule, quantity) :many
-- Schedules of all tenants in the order of their keys, behind a given one.
SELECT s.tenant_id, s.schedule_id FROM highway.schedule AS s
 WHERE (s.tenant_id, s.schedule_id) > (%(after_tenant)s::uuid, %(after_schedule)s::uuid)
 ORDER BY s.tenant_id, s.schedule_id
 LIMIT %(quantity)s;

-- name: forget_ticks(tenant_id, schedule_id, most, quantity) :one
-- Forgets ticks of a schedule that its tenant's policy does not keep, and those behind the newest `most`.
SELECT highway.forget_ticks(%(tenant_id)s, %(schedule_id)s, %(most)s, %(quantity)s) AS ticks;

-- name: forget_limits(after_tenant, after_kind, after_key, idle_seconds, quantity) :one
-- Forgets unused limits among the next ones; where it has come to, or no row at the end.
SELECT f.tenant_id, f.kind, f.key, f.gone
  FROM highway.forget_limits(%(after_tenant)s, %(after_kind)s, %(after_key)s, %(idle_seconds)s, %(quantity)s) AS f;
