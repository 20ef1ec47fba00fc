-- name: list(tenant_id, reasons, is_open, workflow_run_id, before, quantity) :many replanned
-- Letters, newest first, strictly older than `before`; a filter that is NULL does not filter.
SELECT l.dead_letter_id, l.reason, l.workflow_run_id, l.task_id, l.scope, l.step_key, l.error, l.request, l.created_at,
       l.requeued_at, l.requeued_by, l.requeued_run_id, r.name AS workflow_name
  FROM highway.dead_letter AS l
  LEFT JOIN highway.workflow_run AS r ON r.tenant_id = l.tenant_id AND r.workflow_run_id = l.workflow_run_id
 WHERE l.tenant_id = %(tenant_id)s
   AND (%(before)s::uuid IS NULL OR l.dead_letter_id < %(before)s::uuid)
   AND (%(reasons)s::text[] IS NULL OR l.reason = ANY (%(reasons)s::text[]))
   AND (%(is_open)s::bool IS NULL OR (l.requeued_at IS NULL) = %(is_open)s::bool)
   AND (%(workflow_run_id)s::uuid IS NULL OR l.workflow_run_id = %(workflow_run_id)s::uuid)
 ORDER BY l.dead_letter_id DESC
 LIMIT %(quantity)s;

-- name: get(tenant_id, dead_letter_id) :one
-- One letter.
SELECT l.dead_letter_id, l.reason, l.workflow_run_id, l.task_id, l.scope, l.step_key, l.error, l.request, l.created_at,
       l.requeued_at, l.requeued_by, l.requeued_run_id, r.name AS workflow_name
  FROM highway.dead_letter AS l
  LEFT JOIN highway.workflow_run AS r ON r.tenant_id = l.tenant_id AND r.workflow_run_id = l.workflow_run_id
 WHERE l.tenant_id = %(tenant_id)s AND l.dead_letter_id = %(dead_letter_id)s;

-- name: hold(tenant_id, dead_letter_id) :one
-- Takes the letter, so that of two who requeue it one waits and then sees what the other started.
SELECT l.workflow_run_id, l.request, l.requeued_run_id FROM highway.dead_letter AS l
 WHERE l.tenant_id = %(tenant_id)s AND l.dead_letter_id = %(dead_letter_id)s
   FOR UPDATE;

-- name: requeued(tenant_id, dead_letter_id, by, run_id) :exec
-- Notes what was started of it.
UPDATE highway.dead_letter SET requeued_at = highway.now(), requeued_by = %(by)s, requeued_run_id = %(run_id)s
 WHERE tenant_id = %(tenant_id)s AND dead_letter_id = %(dead_letter_id)s;

-- name: write(tenant_id, reason, error, request) :one
-- A letter about something that was never started.
INSERT INTO highway.dead_letter (tenant_id, reason, error, request)
VALUES (%(tenant_id)s, %(reason)s, %(error)s::jsonb, %(request)s::jsonb)
RETURNING dead_letter_id;

-- name: count_matching(tenant_id, reasons, is_open, older_than, cap) :one replanned
-- How many a purge would delete, counted up to `cap`.
SELECT count(*) AS letters FROM (
    SELECT FROM highway.dead_letter AS l
     WHERE l.tenant_id = %(tenant_id)s
       AND (%(reasons)s::text[] IS NULL OR l.reason = ANY (%(reasons)s::text[]))
       AND (%(is_open)s::bool IS NULL OR (l.requeued_at IS NULL) = %(is_open)s::bool)
       AND (%(older_than)s::timestamptz IS NULL OR l.created_at < %(older_than)s::timestamptz)
     LIMIT %(cap)s) AS counted;

-- name: purge(tenant_id, dead_letter_id) :one
-- Deletes one letter; no row when there is none.
DELETE FROM highway.dead_letter WHERE tenant_id = %(tenant_id)s AND dead_letter_id = %(dead_letter_id)s RETURNING dead_letter_id;

-- name: purge_matching(tenant_id, reasons, is_open, older_than, quantity) :many replanned
-- Deletes letters, oldest first; one that somebody requeues at this moment is passed by.
DELETE FROM highway.dead_letter AS l
 WHERE l.tenant_id = %(tenant_id)s AND l.dead_letter_id = ANY (ARRAY(
       SELECT o.dead_letter_id FROM highway.dead_letter AS o
        WHERE o.tenant_id = %(tenant_id)s
          AND (%(reasons)s::text[] IS NULL OR o.reason = ANY (%(reasons)s::text[]))
          AND (%(is_open)s::bool IS NULL OR (o.requeued_at IS NULL) = %(is_open)s::bool)
          AND (%(older_than)s::timestamptz IS NULL OR o.created_at < %(older_than)s::timestamptz)
        ORDER BY o.dead_letter_id
        LIMIT %(quantity)s
          FOR UPDATE SKIP LOCKED))
RETURNING l.dead_letter_id;

-- name: measure(cap) :exec
-- How many open letters all tenants have, for the health page.
INSERT INTO highway.health AS h (measure, value, at)
SELECT 'dead_letters', count(*), highway.now() FROM (SELECT FROM highway.dead_letter AS l WHERE l.requeued_at IS NULL LIMIT %(cap)s) AS open
ON CONFLICT (measure) DO UPDATE SET value = excluded.value, at = excluded.at;
