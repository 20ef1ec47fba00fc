-- Durable cron. A schedule's row holds where its chain stands; a tick is a row, so it fires once or not at all.
-- `next_at` is computed from `last_at` by whoever holds the schedule's row, and is written in the transaction that decides the tick and submits its
-- run: whatever is killed in between, the tick is either decided, with its run and its successor, or still due.
-- A schedule's row is taken before any other lock (see 0001).
CREATE TABLE highway.schedule (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL DEFAULT highway.uuid7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    source text NOT NULL DEFAULT 'api' CHECK (source IN ('api', 'definition')),  -- who keeps it: people, or the newest definition of its name
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'ended', 'deleted')),
    workflow_name text NOT NULL,             -- each tick runs the newest version of it, or
    definition_id uuid,                      -- always this one
    timing text NOT NULL,
    zone text NOT NULL DEFAULT 'UTC',
    skipped text NOT NULL DEFAULT 'shift' CHECK (skipped IN ('shift', 'skip')),
    doubled text NOT NULL DEFAULT 'once' CHECK (doubled IN ('once', 'twice')),
    overlap text NOT NULL DEFAULT 'skip' CHECK (overlap IN ('allow', 'skip', 'buffer_one', 'buffer_all', 'cancel_other')),
    catchup text NOT NULL DEFAULT 'last' CHECK (catchup IN ('none', 'last', 'all')),
    catchup_limit integer NOT NULL DEFAULT 100 CHECK (catchup_limit BETWEEN 1 AND 10000),
    catchup_seconds double precision CHECK (catchup_seconds > 0),
    jitter_seconds integer NOT NULL DEFAULT 0 CHECK (jitter_seconds BETWEEN 0 AND 86400),
    starts_at timestamptz,
    ends_at timestamptz,
    inputs jsonb NOT NULL DEFAULT '{}',
    queue text NOT NULL DEFAULT 'default',
    priority smallint NOT NULL DEFAULT 0,
    tags text[] NOT NULL DEFAULT '{}',
    max_failures integer CHECK (max_failures > 0),  -- pause after so many failed runs or ticks in a row
    resumed_at timestamptz,                  -- what failed before does not count any more
    paused_at timestamptz,
    paused_by text,
    pause_reason text,
    anchor_at timestamptz NOT NULL DEFAULT highway.now(),  -- intervals are counted from here
    last_at timestamptz NOT NULL DEFAULT highway.now(),    -- every tick up to here is decided
    next_at timestamptz,                     -- the first one behind it; NULL when none comes any more
    due_at timestamptz,                      -- when the service looks at it: its jitter later, or later still when it is in trouble
    trouble text,                            -- why its next tick cannot be told or decided, in words
    checked_at timestamptz NOT NULL DEFAULT highway.now(),
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    created_by text NOT NULL DEFAULT '',
    updated_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, schedule_id),
    CHECK ((state = 'active') = (due_at IS NOT NULL)),     -- an active schedule is looked at, for ever
    CHECK (state <> 'active' OR next_at IS NOT NULL),
    CHECK ((state = 'paused') = (paused_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX schedule_name ON highway.schedule (tenant_id, name) WHERE state <> 'deleted';
CREATE INDEX schedule_due ON highway.schedule (due_at) WHERE state = 'active';
CREATE INDEX schedule_unchecked ON highway.schedule (checked_at) WHERE state = 'active';
CREATE INDEX schedule_in_trouble ON highway.schedule (due_at) WHERE state = 'active' AND trouble IS NOT NULL;
CREATE INDEX schedule_definition ON highway.schedule (tenant_id, workflow_name);
CALL highway.protect('highway.schedule');

CREATE TABLE highway.schedule_tick (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    tick_at timestamptz NOT NULL,            -- the scheduled time; of a run that somebody asked for, when they did
    kind text NOT NULL CHECK (kind IN ('scheduled', 'manual', 'backfill')),
    outcome text NOT NULL CHECK (outcome IN ('fired', 'waiting', 'skipped', 'missed', 'failed')),
    workflow_run_id uuid,
    reason text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL DEFAULT highway.now(),
    decided_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, schedule_id, tick_at),
    CHECK ((outcome = 'fired') = (workflow_run_id IS NOT NULL))
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX schedule_tick_run ON highway.schedule_tick (tenant_id, workflow_run_id) WHERE workflow_run_id IS NOT NULL;
CREATE INDEX schedule_tick_waiting ON highway.schedule_tick (tenant_id, schedule_id, tick_at) WHERE outcome = 'waiting';
CALL highway.protect('highway.schedule_tick');

-- I14: what has fired has fired.
CREATE FUNCTION highway.refuse_firing_twice() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the tick % of schedule % has fired', OLD.tick_at, OLD.schedule_id USING ERRCODE = 'HW002';
END
$$;
CREATE TRIGGER fired_is_fired BEFORE UPDATE ON highway.schedule_tick
    FOR EACH ROW WHEN (OLD.outcome = 'fired') EXECUTE FUNCTION highway.refuse_firing_twice();

-- The open runs of a schedule, for its overlap policy. The trigger is the engine's word, so no caller's attributes can get a run in here; it goes on with a
-- chain of runs (highway.continue_run).
CREATE INDEX workflow_run_of_schedule ON highway.workflow_run (tenant_id, (attributes ->> 'schedule_id'))
    WHERE trigger = 'schedule' AND finished_at IS NULL;

CREATE FUNCTION highway.open_runs_of_schedule(p_tenant uuid, p_schedule uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT r.workflow_run_id FROM highway.workflow_run AS r
         WHERE r.tenant_id = p_tenant AND r.attributes ->> 'schedule_id' = p_schedule::text
           AND r.trigger = 'schedule' AND r.finished_at IS NULL
         ORDER BY r.workflow_run_id;
    END;

-- How a run went, for who started it: runs that continue each other are one, and go as the last of them goes.
CREATE INDEX workflow_run_of_chain ON highway.workflow_run (tenant_id, first_run_id, workflow_run_id) WHERE first_run_id IS NOT NULL;

CREATE FUNCTION highway.end_of_chain(p_tenant uuid, p_first uuid)
    RETURNS TABLE (status text, error jsonb, started_at timestamptz, finished_at timestamptz)
    LANGUAGE sql STABLE ROWS 1
    BEGIN ATOMIC
        SELECT l.status, l.error, l.started_at, l.finished_at FROM (
            (SELECT r.* FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.first_run_id = p_first ORDER BY r.workflow_run_id DESC LIMIT 1)
             UNION ALL
            (SELECT r.* FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_first)) AS l
         LIMIT 1;
    END;

-- Asks the open runs of a schedule to stop, for those that are replaced by the next one. Returns how many were asked.
CREATE FUNCTION highway.cancel_runs_of_schedule(p_tenant uuid, p_schedule uuid, p_reason text) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_open uuid;
    v_run uuid;
    v_asked integer := 0;
BEGIN
    FOR v_open IN SELECT o FROM highway.open_runs_of_schedule(p_tenant, p_schedule) AS o LOOP
        v_run := v_open;
        WHILE v_run IS NOT NULL LOOP
            BEGIN
                PERFORM highway.cancel_run(p_tenant, v_run, p_reason);
                v_asked := v_asked + 1;
                v_run := NULL;
            EXCEPTION WHEN SQLSTATE 'HW002' THEN  -- it has ended meanwhile; if it was continued, the next one is open in its place
                v_run := (SELECT r.continued_to FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_run);
            END;
        END LOOP;
    END LOOP;
    RETURN v_asked;
END
$$;

-- Fires one tick: its row and its run, or neither. The caller holds the schedule's row. Returns NULL when the tick has fired before or the definition is unknown;
-- a tick that waited, or that was not fired for its policy's sake, may fire later, once.
CREATE FUNCTION highway.fire_tick(
    p_tenant uuid, p_schedule uuid, p_tick timestamptz, p_kind text, p_definition uuid, p_inputs jsonb, p_by text DEFAULT '', p_reason text DEFAULT '')
    RETURNS uuid
    LANGUAGE plpgsql AS $$
DECLARE
    v_run uuid;
BEGIN
    IF EXISTS (SELECT FROM highway.schedule_tick AS t
                WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule AND t.tick_at = p_tick AND t.outcome = 'fired') THEN
        RETURN NULL;
    END IF;
    SELECT highway.submit_run(
               p_tenant, p_definition, p_inputs, s.queue, s.priority, 0, s.tags,
               jsonb_build_object('schedule_id', s.schedule_id, 'schedule_name', s.name,
                                  'tick', to_char(p_tick AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), 'tick_kind', p_kind),
               'schedule', s.name)
      INTO v_run
      FROM highway.schedule AS s WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule;
    IF v_run IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO highway.schedule_tick AS t (tenant_id, schedule_id, tick_at, kind, outcome, workflow_run_id, decided_at, decided_by, reason)
    VALUES (p_tenant, p_schedule, p_tick, p_kind, 'fired', v_run, highway.now(), p_by, p_reason)
    ON CONFLICT (tenant_id, schedule_id, tick_at)
    DO UPDATE SET outcome = 'fired', workflow_run_id = excluded.workflow_run_id, kind = excluded.kind, reason = excluded.reason,
                  decided_at = excluded.decided_at, decided_by = excluded.decided_by;
    RETURN v_run;
END
$$;
