-- Worker processes. A fresh identity at every start; `lock_key` is the session-level advisory lock that dies with its connection.
CREATE TABLE highway.worker (
    worker_id uuid PRIMARY KEY,
    name text NOT NULL,
    lock_key bigint NOT NULL UNIQUE,
    queues text[] NOT NULL,
    slots integer NOT NULL,
    code_version text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL DEFAULT highway.now(),
    last_seen_at timestamptz NOT NULL DEFAULT highway.now(),
    lease_expires_at timestamptz NOT NULL,
    running integer NOT NULL DEFAULT 0,
    draining boolean NOT NULL DEFAULT false,
    listens boolean NOT NULL DEFAULT true   -- whether it is to be told of work; one that has more than it can do looks anyhow
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON highway.worker TO app_worker;
GRANT SELECT ON highway.worker TO app_web;

-- Tells workers that there may be something to claim, in one queue if it is named; nobody, where none of them listens. All transactions that notify
-- commit one after the other, so a system at work is not to notify. A hint about a queue names the worker that is to look at once, by turns and rather one
-- that has room: if all did, each would ask for what one of them gets. The others hear it too and look a moment later, as it may be busy or gone.
CREATE FUNCTION highway.hint_work(p_queue text DEFAULT '') RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('highway_work', CASE WHEN p_queue <> '' THEN concat_ws(' ', named.worker_id, p_queue) ELSE '' END)
       FROM (SELECT w.worker_id FROM highway.worker AS w
              WHERE w.listens AND (p_queue = '' OR p_queue = ANY (w.queues))
              ORDER BY w.draining OR w.requested_state <> 'active' OR w.running >= coalesce(w.capacity_override, w.capacity),
                       uuid_hash_extended(w.worker_id, txid_current())  -- of one transaction all name the same, and are sent once
              LIMIT 1) AS named;
END
$$;

-- Tells workers of runs that start now, or so soon that they would miss the time: each looks once a second, and asks then what is due next.
CREATE FUNCTION highway.hint_start(p_queue text, p_starts timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF p_starts <= highway.now() THEN
        PERFORM highway.hint_work(p_queue);
    ELSIF p_starts < highway.now() + interval '1 second' THEN
        PERFORM highway.hint_work();  -- whoever looks for one queue alone does not ask
    END IF;
END
$$;

-- What the workers' services measure for the health page; one row a measure, no tenant's data.
CREATE TABLE highway.health (
    measure text PRIMARY KEY,
    value double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT highway.now()
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON highway.health TO app_worker;
GRANT SELECT ON highway.health TO app_web;

-- Is the connection that holds this advisory lock alive?
CREATE FUNCTION highway.lock_is_held(p_key bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (
        SELECT FROM pg_locks AS l
         WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND ((l.classid::bigint << 32) | l.objid::bigint) = p_key);
