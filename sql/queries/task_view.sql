-- name: list(tenant_id, before, quantity) :many replanned
-- Tasks of every state and queue, newest first, strictly older than the id `before`.
SELECT t.task_id, t.workflow_run_id, r.name, t.kind, t.key, t.state, t.queue, t.priority, t.attempt, t.rescues, t.available_at, t.claimed_at,
       t.created_at, t.finished_at, t.error, (SELECT w.name FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) AS worker
  FROM (SELECT * FROM highway.task AS o
         WHERE o.tenant_id = %(tenant_id)s AND (%(before)s::uuid IS NULL OR o.task_id < %(before)s::uuid)
         ORDER BY o.task_id DESC
         LIMIT %(quantity)s) AS t
  JOIN highway.workflow_run AS r ON r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id
 ORDER BY t.task_id DESC;

-- name: list_in(tenant_id, states, queues, before, quantity) :many replanned
-- Tasks of these states, in these queues (NULL: in any), newest first: each place is read by itself and in order, however rare it is (see run.list).
SELECT t.task_id, t.workflow_run_id, r.name, t.kind, t.key, t.state, t.queue, t.priority, t.attempt, t.rescues, t.available_at, t.claimed_at,
       t.created_at, t.finished_at, t.error, (SELECT w.name FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) AS worker
  FROM (SELECT o.* FROM highway.task_places(%(tenant_id)s, %(states)s::text[], %(queues)s::text[]) AS p
         CROSS JOIN highway.ids_between(p_before => %(before)s::uuid) AS b
         CROSS JOIN LATERAL (
               SELECT * FROM highway.task AS i
                WHERE i.tenant_id = %(tenant_id)s
                  AND (i.state, i.queue, i.task_id) >= (p.state, p.queue, b.low) AND (i.state, i.queue, i.task_id) < (p.state, p.queue, b.high)
                ORDER BY i.state DESC, i.queue DESC, i.task_id DESC
                LIMIT %(quantity)s) AS o
         ORDER BY o.task_id DESC
         LIMIT %(quantity)s) AS t
  JOIN highway.workflow_run AS r ON r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id
 ORDER BY t.task_id DESC;

-- name: count(tenant_id, states, queues, created_from, cap) :many replanned
-- How many tasks of each state in each queue, made since `created_from`, counted up to `cap` each.
SELECT p.state, p.queue, (SELECT count(*) FROM (
           SELECT FROM highway.task AS t
            WHERE t.tenant_id = %(tenant_id)s
              AND (t.state, t.queue, t.task_id) >= (p.state, p.queue, b.low)
              AND (t.state, t.queue, t.task_id) < (p.state, p.queue, b.high)
            ORDER BY t.state DESC, t.queue DESC, t.task_id DESC
            LIMIT %(cap)s) AS counted) AS tasks
  FROM highway.task_places(%(tenant_id)s, %(states)s::text[], %(queues)s::text[]) AS p
 CROSS JOIN highway.ids_between(%(created_from)s::timestamptz) AS b
 ORDER BY p.queue, p.state;

-- name: oldest(tenant_id, queues) :many replanned
-- For each queue, for how many seconds the longest waiting of its hundred oldest pending tasks has been claimable.
SELECT q.queue, greatest(extract(epoch FROM highway.now() - o.since), 0)::float8 AS seconds
  FROM unnest(%(queues)s::text[]) AS q (queue)
 CROSS JOIN LATERAL (SELECT min(h.available_at) AS since FROM (
           SELECT t.available_at FROM highway.task AS t
            WHERE t.tenant_id = %(tenant_id)s AND t.state = 'pending' AND t.queue = q.queue
            ORDER BY t.task_id LIMIT 100) AS h) AS o
 WHERE o.since IS NOT NULL;

-- name: get(tenant_id, task_id) :one
-- One task with the name of its run.
SELECT t.task_id, t.workflow_run_id, r.name, t.kind, t.key, t.state, t.queue, t.priority, t.attempt, t.rescues, t.available_at, t.claimed_at,
       t.created_at, t.finished_at, t.error, (SELECT w.name FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) AS worker
  FROM highway.task AS t
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 WHERE t.tenant_id = %(tenant_id)s AND t.task_id = %(task_id)s;

-- name: active(tenant_id, minutes, quantity) :many
-- What is being executed now, newest first: each running task with the steps that its worker shows; no worker: it is lost and about to be rescued.
SELECT t.task_id, t.workflow_run_id, r.name, t.kind, t.key, t.attempt, t.running_steps, t.claimed_at, w.name AS worker,
       coalesce(w.last_seen_at, t.claimed_at) AS updated_at
  FROM highway.task_places(%(tenant_id)s, ARRAY['running']) AS p
 CROSS JOIN highway.ids_between() AS b
 CROSS JOIN LATERAL (
       SELECT * FROM highway.task AS i
        WHERE i.tenant_id = %(tenant_id)s AND (i.state, i.queue, i.task_id) >= (p.state, p.queue, b.low)
          AND (i.state, i.queue, i.task_id) < (p.state, p.queue, b.high)
        ORDER BY i.state DESC, i.queue DESC, i.task_id DESC LIMIT %(quantity)s) AS t
  JOIN highway.workflow_run AS r ON r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id
  LEFT JOIN highway.worker AS w ON w.worker_id = t.claimed_by
 WHERE coalesce(w.last_seen_at, t.claimed_at) >= highway.now() - make_interval(mins => %(minutes)s)
 ORDER BY t.task_id DESC
 LIMIT %(quantity)s;

-- name: troubles(tenant_id, quantity) :one
-- Of the newest running tasks: how many have lost their worker, how many were rescued or tried before.
SELECT count(*) FILTER (WHERE w.worker_id IS NULL) AS lost,
       count(*) FILTER (WHERE t.rescues > 0) AS rescued,
       coalesce(max(t.rescues), 0) AS most_rescues
  FROM highway.task_places(%(tenant_id)s, ARRAY['running']) AS p
 CROSS JOIN highway.ids_between() AS b
 CROSS JOIN LATERAL (
       SELECT * FROM highway.task AS i
        WHERE i.tenant_id = %(tenant_id)s AND (i.state, i.queue, i.task_id) >= (p.state, p.queue, b.low)
          AND (i.state, i.queue, i.task_id) < (p.state, p.queue, b.high)
        ORDER BY i.state DESC, i.queue DESC, i.task_id DESC LIMIT %(quantity)s) AS t
  LEFT JOIN highway.worker AS w ON w.worker_id = t.claimed_by;
