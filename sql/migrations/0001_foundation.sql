-- Schema `highway`: everything durable. Run as highway_owner.
--
-- LOCK ORDER, for every transaction that takes more than one lock:
--   0. a row of highway.schedule, before what its tick starts or stops
--   1. what a transactional step's own work takes (highway.counter), before its checkpoint
--   2. rows of highway.task, ascending by task_id, all at once: highway.lock_tasks, or `lock` of commit.sql
--   3. rows of highway.workflow_run (only when the run's root task is locked already)
--   4. everything else
-- Claims, rescues, wake-ups by time and the display of running steps take tasks with SKIP LOCKED and so never wait for one.
-- Nobody holds a task's row while code of a tool runs.
-- The lock on a task row keeps "register a wait, then look for the event" and "emit, then look for waits" apart:
-- the waiter holds its own task, the emitter first locks every open task of the run.
--
-- ERRORS of our own (SQLSTATE): HW001 not found · HW002 not possible in this state · HW003 invalid input · HW004 a cap is reached (DETAIL says which) ·
-- HW005 not by this person.

CREATE SCHEMA IF NOT EXISTS highway AUTHORIZATION highway_owner;
GRANT USAGE ON SCHEMA highway TO app_web, app_worker;

-- The engine's clock. Tests move it with SET highway.now_offset = '3 days'.
CREATE FUNCTION highway.now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN statement_timestamp() + coalesce(nullif(current_setting('highway.now_offset', true), '')::interval, interval '0');

-- Time-ordered identifiers (RFC 9562, version 7), also on servers that do not bring them.
CREATE FUNCTION highway.uuid7() RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid;

-- The least identifier that uuid7() can have made at a time: bounds a time-ordered index by a time.
CREATE FUNCTION highway.uuid7_from(p_at timestamptz) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

-- Bounds of ids, the upper one exclusive: of what was made between two times, and before an id. NULL bounds nothing. Worked out apart from the rows,
-- they bound a look into an index also behind row-level security.
CREATE FUNCTION highway.ids_between(
    p_from timestamptz DEFAULT NULL, p_to timestamptz DEFAULT NULL, p_before uuid DEFAULT NULL, OUT low uuid, OUT high uuid
)
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (coalesce(highway.uuid7_from(p_from), '00000000-0000-0000-0000-000000000000'),
            least(p_before, highway.uuid7_from(p_to), 'ffffffff-ffff-ffff-ffff-ffffffffffff'));

-- The tenant that this transaction speaks for; NULL when none was set, which matches no row.
CREATE FUNCTION highway.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('highway.tenant_id', true), '')::uuid;

-- Says whom this transaction speaks for from here on, and gives it back. A statement whose function takes its tenant from here needs no other statement
-- before it: arguments are worked out before the function is entered, and policies look when the function's own statements begin.
CREATE FUNCTION highway.speak_for(p_tenant uuid) RETURNS uuid
    LANGUAGE sql VOLATILE
    RETURN set_config('highway.tenant_id', p_tenant::text, true)::uuid;

-- The states in which something can still happen to a task or run.
CREATE FUNCTION highway.is_open(p_state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_state IN ('pending', 'running', 'sleeping', 'paused');

-- Row-level security for one table: forced, by tenant for the web, open for the workers, closed for everybody else.
CREATE PROCEDURE highway.protect(p_table regclass)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    -- The sub-select makes it an init plan: evaluated once a query, and the index on tenant_id stays usable.
    EXECUTE format('CREATE POLICY web_by_tenant ON %s TO app_web '
                   'USING (tenant_id = (SELECT highway.current_tenant())) '
                   'WITH CHECK (tenant_id = (SELECT highway.current_tenant()))', p_table);
    EXECUTE format('CREATE POLICY worker_all ON %s TO app_worker USING (true) WITH CHECK (true)', p_table);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO app_web, app_worker', p_table);
END
$$;

-- One number line for everything that happened: checkpoints, journal entries, events and signals share it. No cache: numbers follow time.
CREATE SEQUENCE highway.story_seq;
GRANT USAGE ON SEQUENCE highway.story_seq TO app_web, app_worker;
