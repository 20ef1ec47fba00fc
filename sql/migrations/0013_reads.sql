-- What people ask of workers, and the one index that lists of tasks need.

-- Orders of an operator. They belong to one identity; the process keeps what it heard and takes it over into the next one.
ALTER TABLE highway.worker
    ADD COLUMN capacity integer NOT NULL DEFAULT 0,              -- tasks that it holds at a time, as it was started
    ADD COLUMN requested_state text NOT NULL DEFAULT 'active' CHECK (requested_state IN ('active', 'paused', 'draining')),
    ADD COLUMN requested_reason text NOT NULL DEFAULT '',
    ADD COLUMN capacity_override integer CHECK (capacity_override > 0),
    ADD COLUMN batch_override integer CHECK (batch_override > 0);    -- tasks that it takes in one claim
-- The web gives orders and nothing else: it cannot pretend that a worker is alive, nor send a living one away.
GRANT UPDATE (requested_state, requested_reason, capacity_override, batch_override) ON highway.worker TO app_web;

-- Workers that are gone: their connection has ended, their lease is over, or they have been silent for so long. Forgetting one frees its tasks.
-- A silent one that comes back finds its identity deleted and takes a new one; what it still writes changes nothing.
CREATE FUNCTION highway.forget_workers(p_worker uuid DEFAULT NULL, p_silent_seconds double precision DEFAULT 'Infinity')
    RETURNS TABLE (worker_id uuid, name text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM highway.worker AS w
     WHERE w.worker_id IN (
           SELECT d.worker_id FROM highway.worker AS d
            WHERE (p_worker IS NULL OR d.worker_id = p_worker)
              AND (NOT highway.lock_is_held(d.lock_key) OR d.lease_expires_at < highway.now()
                   OR extract(epoch FROM highway.now() - d.last_seen_at) > p_silent_seconds)
              FOR UPDATE SKIP LOCKED)
    RETURNING w.worker_id, w.name
$$;
REVOKE EXECUTE ON FUNCTION highway.forget_workers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION highway.forget_workers TO app_web, app_worker;

-- Lists and counts of a tenant's tasks by state and queue, newest first.
CREATE INDEX task_state ON highway.task (tenant_id, state, queue, task_id);

-- Where a tenant has tasks of these states: each pair of state and queue, found by jumping through the index, so that counting and listing go
-- place by place in its order. `p_queues` names the queues instead of looking for them.
CREATE FUNCTION highway.task_places(p_tenant uuid, p_states text[], p_queues text[] DEFAULT NULL, p_most integer DEFAULT 200)
    RETURNS TABLE (state text, queue text)
    LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place (state, queue, n) AS (
        SELECT s.state, (SELECT t.queue FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.state = s.state
                          ORDER BY t.queue LIMIT 1), 1
          FROM unnest(p_states) AS s (state)
         WHERE p_queues IS NULL
        UNION ALL
        SELECT p.state, (SELECT t.queue FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.state = p.state AND t.queue > p.queue
                          ORDER BY t.queue LIMIT 1), p.n + 1
          FROM place AS p
         WHERE p.queue IS NOT NULL AND p.n < p_most
    )
    SELECT p.state, p.queue FROM place AS p WHERE p.queue IS NOT NULL
     UNION ALL
    SELECT s.state, q.queue FROM unnest(p_states) AS s (state) CROSS JOIN unnest(p_queues) AS q (queue)
$$;
