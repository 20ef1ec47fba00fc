-- name: list(worker_id, status, queue, machine, quantity) :many
-- Workers by name; a filter that is NULL does not filter. Offline: its connection has ended or its lease is over, and nobody has taken it off yet.
WITH held AS MATERIALIZED (
    SELECT (l.classid::bigint << 32) | l.objid::bigint AS lock_key
      FROM pg_locks AS l
     WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
       AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
), known AS (
    SELECT w.*, CASE WHEN w.lease_expires_at < highway.now() OR NOT EXISTS (SELECT FROM held AS h WHERE h.lock_key = w.lock_key) THEN 'offline'
                     WHEN w.draining OR w.requested_state = 'draining' THEN 'draining'
                     WHEN w.requested_state = 'paused' THEN 'paused'
                     ELSE 'online' END AS status
      FROM highway.worker AS w
)
SELECT k.worker_id, k.name, k.status, k.queues, k.slots, coalesce(k.capacity_override, k.capacity) AS capacity, k.batch_override AS batch,
       k.running, k.requested_reason AS reason, k.code_version, k.started_at, k.last_seen_at
  FROM known AS k
 WHERE (%(worker_id)s::uuid IS NULL OR k.worker_id = %(worker_id)s::uuid)
   AND (%(status)s::text IS NULL OR k.status = %(status)s::text)
   AND (%(queue)s::text IS NULL OR %(queue)s::text = ANY (k.queues))
   AND (%(machine)s::text IS NULL OR k.name = %(machine)s::text OR starts_with(k.name, %(machine)s::text || '-'))
 ORDER BY k.name, k.worker_id
 LIMIT %(quantity)s;

-- name: order(worker_id, state, reason) :one
-- Tells a worker what to do; it hears it with its next heartbeat.
UPDATE highway.worker SET requested_state = %(state)s, requested_reason = %(reason)s WHERE worker_id = %(worker_id)s
RETURNING worker_id;

-- name: limit(worker_id, set_capacity, capacity, set_batch, batch) :one
-- Changes how much a worker holds, and takes at a time; NULL is what it was started with.
UPDATE highway.worker
   SET capacity_override = CASE WHEN %(set_capacity)s::bool THEN %(capacity)s::int ELSE capacity_override END,
       batch_override = CASE WHEN %(set_batch)s::bool THEN %(batch)s::int ELSE batch_override END
 WHERE worker_id = %(worker_id)s
RETURNING worker_id;

-- name: forget(worker_id, silent_seconds) :many
-- Takes workers that are gone off the list (NULL: all of them, and those that were silent for so long), and frees their tasks.
SELECT f.worker_id, f.name FROM highway.forget_workers(%(worker_id)s::uuid, %(silent_seconds)s::float8) AS f;
