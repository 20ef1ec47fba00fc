-- name: submit(tenant_id, definition_id, inputs, queue, priority, delay_seconds, tags, attributes, trigger, triggered_by, flow) :one
-- Starts a run under flow options, or joins the one that is there; HW001 when there is no such definition.
SELECT workflow_run_id, joined
  FROM highway.submit_flow(%(tenant_id)s, %(definition_id)s, %(inputs)s::jsonb, %(queue)s, %(priority)s::smallint, %(delay_seconds)s::float8,
                           %(tags)s::text[], %(attributes)s::jsonb, %(trigger)s, %(triggered_by)s, %(flow)s::jsonb);

-- name: check_admission(tenant_id, queue) :exec
-- Raises when the queue is draining or a cap of the tenant is reached.
SELECT highway.check_admission(%(tenant_id)s, %(queue)s);

-- name: queues(tenant_id, names, cap) :many
-- Queues that the tenant has something in, has said something about, or that a worker serves; pending tasks counted up to `cap`.
WITH RECURSIVE live AS (
    SELECT unnest(w.queues) AS queue FROM highway.worker AS w WHERE w.lease_expires_at > highway.now()
), occupied (queue, n) AS (
    (SELECT t.queue, 1 FROM highway.task AS t WHERE t.state = 'pending' AND t.tenant_id = %(tenant_id)s ORDER BY t.queue LIMIT 1)
    UNION ALL
    SELECT (SELECT t.queue FROM highway.task AS t WHERE t.state = 'pending' AND t.queue > o.queue AND t.tenant_id = %(tenant_id)s
             ORDER BY t.queue LIMIT 1), o.n + 1
      FROM occupied AS o WHERE o.queue IS NOT NULL AND o.n < 1000
), busy AS (
    SELECT t.queue, count(*) AS n FROM highway.task AS t WHERE t.state = 'running' AND t.tenant_id = %(tenant_id)s GROUP BY 1
), name AS (
    SELECT l.queue FROM live AS l
     UNION
    SELECT o.queue FROM occupied AS o WHERE o.queue IS NOT NULL
     UNION
    SELECT b.queue FROM busy AS b
     UNION
    SELECT p.queue FROM highway.queue_policy AS p WHERE p.tenant_id = %(tenant_id)s
)
SELECT n.queue AS name, coalesce(b.n, 0) AS running, (SELECT count(*) FROM live AS l WHERE l.queue = n.queue) AS workers,
       (SELECT count(*) FROM (SELECT FROM highway.task AS t WHERE t.state = 'pending' AND t.queue = n.queue AND t.tenant_id = %(tenant_id)s
                               LIMIT %(cap)s) AS due) AS pending,
       p.paused_at, coalesce(p.paused_by, '') AS paused_by, coalesce(p.pause_reason, '') AS pause_reason, coalesce(p.draining, false) AS draining,
       p.max_running, (a.paused_at IS NOT NULL) AS platform_paused
  FROM name AS n
  LEFT JOIN busy AS b USING (queue)
  LEFT JOIN highway.queue_policy AS p ON p.tenant_id = %(tenant_id)s AND p.queue = n.queue
  LEFT JOIN highway.queue_policy AS a ON a.tenant_id = '00000000-0000-0000-0000-000000000000' AND a.queue = n.queue
 WHERE %(names)s::text[] IS NULL OR n.queue = ANY (%(names)s::text[])
 ORDER BY n.queue;

-- name: change_queue(tenant_id, queue, paused, by, reason, draining, set_max_running, max_running) :one
-- Says something about a queue; NULL leaves as it is. A pause keeps the time and the words of the first. A resume hints to the workers.
INSERT INTO highway.queue_policy AS p (tenant_id, queue, paused_at, paused_by, pause_reason, draining, max_running)
VALUES (%(tenant_id)s, %(queue)s, CASE WHEN %(paused)s::bool THEN highway.now() END, CASE WHEN %(paused)s::bool THEN %(by)s::text ELSE '' END,
        CASE WHEN %(paused)s::bool THEN %(reason)s::text ELSE '' END, coalesce(%(draining)s::bool, false), %(max_running)s::int)
ON CONFLICT (tenant_id, queue) DO UPDATE
   SET paused_at = CASE WHEN %(paused)s::bool IS NULL THEN p.paused_at WHEN %(paused)s::bool THEN coalesce(p.paused_at, highway.now()) END,
       paused_by = CASE WHEN %(paused)s::bool IS NULL OR (%(paused)s::bool AND p.paused_at IS NOT NULL) THEN p.paused_by
                        WHEN %(paused)s::bool THEN %(by)s::text ELSE '' END,
       pause_reason = CASE WHEN %(paused)s::bool IS NULL OR (%(paused)s::bool AND p.paused_at IS NOT NULL) THEN p.pause_reason
                           WHEN %(paused)s::bool THEN %(reason)s::text ELSE '' END,
       draining = coalesce(%(draining)s::bool, p.draining),
       max_running = CASE WHEN %(set_max_running)s::bool THEN %(max_running)s::int ELSE p.max_running END,
       changed_at = highway.now()
RETURNING p.queue, highway.hint_work();

-- name: limits(tenant_id, kind, key, after_kind, after_key, quantity) :many
-- Limits by kind and key behind the given ones, or the one that is named, with how many hold and wait.
SELECT l.kind, l.key, l.capacity, l.per_seconds, l.pinned, l.changed_by,
       CASE WHEN l.next_start > highway.now() THEN l.next_start
            WHEN l.kind = 'rate' THEN nullif(greatest(l.starts[cardinality(l.starts) - l.capacity + 1] + make_interval(secs => l.per_seconds),
                                                      highway.now()), highway.now()) END AS next_start,
       (SELECT count(*) FROM highway.slot AS s
         WHERE l.kind = 'concurrency' AND s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NOT NULL) AS held,
       (SELECT count(*) FROM (SELECT FROM highway.slot AS s
         WHERE l.kind = 'concurrency' AND s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NULL LIMIT 10000) AS line) AS waiting
  FROM highway.flow_limit AS l
 WHERE l.tenant_id = %(tenant_id)s AND (l.kind, l.key) > (%(after_kind)s::text, %(after_key)s::text)
   AND (%(kind)s::text IS NULL OR (l.kind = %(kind)s::text AND l.key = %(key)s::text))
 ORDER BY l.kind, l.key
 LIMIT %(quantity)s;

-- name: slots(tenant_id, keys, quantity) :many
-- Who holds a slot of these keys, and who is first in line for one; up to `quantity` of both for each key.
SELECT s.key, s.workflow_run_id, s.step_key, coalesce(s.granted_at, s.asked_at) AS since, s.granted_at IS NOT NULL AS holds
  FROM unnest(%(keys)s::text[]) AS k (key)
 CROSS JOIN LATERAL (
       (SELECT * FROM highway.slot AS o WHERE o.tenant_id = %(tenant_id)s AND o.key = k.key AND o.granted_at IS NOT NULL LIMIT %(quantity)s)
        UNION ALL
       (SELECT * FROM highway.slot AS o WHERE o.tenant_id = %(tenant_id)s AND o.key = k.key AND o.granted_at IS NULL
         ORDER BY o.seq LIMIT %(quantity)s)) AS s
 ORDER BY s.key, s.granted_at IS NULL, s.seq;

-- name: change_limit(tenant_id, kind, key, capacity, per_seconds, pinned, by) :one
-- Sets a limit's figures by hand: they stay until somebody lets the definitions speak again. No row: there is no such limit.
UPDATE highway.flow_limit AS l
   SET capacity = coalesce(%(capacity)s::int, l.capacity),
       per_seconds = CASE l.kind WHEN 'rate' THEN coalesce(%(per_seconds)s::float8, l.per_seconds) END,
       pinned = %(pinned)s::bool, changed_by = %(by)s
 WHERE l.tenant_id = %(tenant_id)s AND l.kind = %(kind)s AND l.key = %(key)s
RETURNING l.key, highway.mark_line(l.tenant_id, l.key) IS NULL AS told;

-- name: tenant_policy(tenant_id) :one
-- What the platform says about a tenant; no row means nothing.
SELECT p.weight, p.paused_at, p.paused_by, p.pause_reason, p.max_running, p.max_backlog, p.runs_per_minute, p.exempt
  FROM highway.tenant_policy AS p WHERE p.tenant_id = %(tenant_id)s;

-- name: put_tenant_policy(tenant_id, weight, paused, by, reason, max_running, max_backlog, runs_per_minute, exempt) :one
-- Says all of it anew. A pause keeps the time of the first. Hints to the workers: there may be less that keeps the tenant's tasks back.
INSERT INTO highway.tenant_policy AS p (tenant_id, weight, paused_at, paused_by, pause_reason, max_running, max_backlog, runs_per_minute, exempt)
VALUES (%(tenant_id)s, %(weight)s, CASE WHEN %(paused)s::bool THEN highway.now() END, %(by)s, %(reason)s,
        %(max_running)s, %(max_backlog)s, %(runs_per_minute)s, %(exempt)s)
ON CONFLICT (tenant_id) DO UPDATE
   SET weight = excluded.weight, paused_at = CASE WHEN %(paused)s::bool THEN coalesce(p.paused_at, highway.now()) END,
       paused_by = excluded.paused_by, pause_reason = excluded.pause_reason, max_running = excluded.max_running,
       max_backlog = excluded.max_backlog, runs_per_minute = excluded.runs_per_minute, exempt = excluded.exempt, changed_at = highway.now()
RETURNING p.tenant_id, highway.hint_work();
