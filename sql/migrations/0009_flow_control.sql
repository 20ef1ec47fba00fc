-- Flow control: who may run when. A run that no limit concerns never touches these tables: its task has no gate, and one flag says so.
--
--   limit     how many at a time (concurrency: slots) or in a time (rate), by a key of the tenant
--   gate      what a run has still to pass: it is looked at when the run is claimed, so that only what can really start takes a slot or a start
--   slot      held by a run or by a step until it ends, or waited for in line; it belongs to the task, so it lives and dies with its task's state
--   run_key   one open run per key (singleton), or one run that gathers later submissions before it starts (debounce, batch)
--   policy    what people say about queues and tenants: pause, drain, caps, weights
--
-- LOCKS are of level 4 (0001): whoever takes a limit's row holds all tasks that it will need, takes limits in the order of their keys, and
-- takes no task after that, except by SKIP LOCKED. A slot is given back by deleting its row and leaving a mark: that waits for nobody. Who
-- gets it is decided later by `grant_slots`, which the workers call when they see a mark.

ALTER TABLE highway.task
    ADD COLUMN gate jsonb,                              -- limits to pass before it may start, in order; NULL: none
    ADD COLUMN limited boolean NOT NULL DEFAULT false,  -- it may hold slots or keys, which its end gives back
    ADD COLUMN partition_key text NOT NULL DEFAULT '',
    ADD COLUMN lane_seconds integer NOT NULL DEFAULT 0; -- so much later is its turn, because its partition has more in the queue

-- When it is a task's turn among those of its queue and tenant, the earlier the better. A point of priority counts like a minute of waiting, and
-- so does each task that the same partition had in the queue before: nobody is overtaken for ever, and partitions take turns.
CREATE FUNCTION highway.turn_of(p_available_at timestamptz, p_priority smallint, p_lane_seconds integer) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (p_available_at AT TIME ZONE 'UTC') + (p_lane_seconds - 60 * p_priority) * interval '1 second';

DROP INDEX highway.task_due;
CREATE INDEX task_due ON highway.task (queue, tenant_id, highway.turn_of(available_at, priority, lane_seconds)) WHERE state = 'pending';
CREATE INDEX task_lane ON highway.task (tenant_id, queue, partition_key, highway.turn_of(available_at, priority, lane_seconds))
    WHERE state = 'pending' AND partition_key <> '';
CREATE INDEX task_gated ON highway.task (tenant_id, task_id) WHERE gate IS NOT NULL;

-- A limit by key. The first use makes it, a later use with another figure changes it, unless a person has set it (`pinned`).
CREATE TABLE highway.flow_limit (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('concurrency', 'rate')),
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    capacity integer NOT NULL CHECK (capacity >= 0),
    per_seconds double precision CHECK (per_seconds > 0),
    pinned boolean NOT NULL DEFAULT false,
    changed_by text NOT NULL DEFAULT '',
    starts timestamptz[] NOT NULL DEFAULT '{}',         -- rate: the last `capacity` starts, oldest first
    next_start timestamptz,                             -- rate: the place in time that was given to the last in line
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, kind, key),
    CHECK ((kind = 'rate') = (per_seconds IS NOT NULL)),
    CHECK (kind <> 'rate' OR capacity BETWEEN 1 AND 1000)
) WITH (fillfactor = 50);
CALL highway.protect('highway.flow_limit');

-- Held (granted_at) or waited for in the order of `seq`. `step_key` is '' when the run itself holds it. Changed only by who holds the task's row.
CREATE SEQUENCE highway.slot_seq;
GRANT USAGE ON SEQUENCE highway.slot_seq TO app_web, app_worker;
CREATE TABLE highway.slot (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    task_id uuid NOT NULL,
    step_key text NOT NULL DEFAULT '',
    workflow_run_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.slot_seq'),
    asked_at timestamptz NOT NULL DEFAULT highway.now(),
    granted_at timestamptz,
    PRIMARY KEY (tenant_id, task_id, step_key, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX slot_held ON highway.slot (tenant_id, key) WHERE granted_at IS NOT NULL;
CREATE INDEX slot_waiting ON highway.slot (tenant_id, key, seq) WHERE granted_at IS NULL;
CALL highway.protect('highway.slot');

-- "Look whether somebody can have a slot of this key": left by whoever gives one back, taken by `grant_slots`.
CREATE TABLE highway.slot_mark (
    tenant_id uuid NOT NULL,
    mark_id uuid NOT NULL DEFAULT highway.uuid7(),
    key text NOT NULL,
    at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, mark_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CALL highway.protect('highway.slot_mark');

CREATE TABLE highway.run_key (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('singleton', 'debounce', 'batch')),
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    workflow_run_id uuid,                               -- NULL only inside the transaction that takes the key
    since timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, kind, key)
) WITH (fillfactor = 70);
CREATE INDEX run_key_run ON highway.run_key (tenant_id, workflow_run_id);
CALL highway.protect('highway.run_key');

-- What is said about a queue: by the platform for all tenants (tenant_id is nil), or by one tenant for its own tasks in it.
CREATE TABLE highway.queue_policy (
    tenant_id uuid NOT NULL,
    queue text NOT NULL,
    paused_at timestamptz,
    paused_by text NOT NULL DEFAULT '',
    pause_reason text NOT NULL DEFAULT '',
    draining boolean NOT NULL DEFAULT false,            -- takes no new runs, finishes what is there
    max_running integer CHECK (max_running >= 0),       -- tasks that workers execute at a time
    changed_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, queue)
);
CREATE INDEX queue_policy_closed ON highway.queue_policy (queue) WHERE paused_at IS NOT NULL OR max_running IS NOT NULL;
CALL highway.protect('highway.queue_policy');
CREATE POLICY web_reads_all_tenants ON highway.queue_policy FOR SELECT TO app_web USING (tenant_id = '00000000-0000-0000-0000-000000000000');

-- What the platform says about a tenant. No row: weight 1 and no caps.
CREATE TABLE highway.tenant_policy (
    tenant_id uuid PRIMARY KEY,
    weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100),
    paused_at timestamptz,
    paused_by text NOT NULL DEFAULT '',
    pause_reason text NOT NULL DEFAULT '',
    max_running integer CHECK (max_running >= 0),       -- tasks that workers execute at a time
    max_backlog integer CHECK (max_backlog >= 0),       -- runs that are due or held at a limit and have not started
    runs_per_minute integer CHECK (runs_per_minute >= 0),
    exempt boolean NOT NULL DEFAULT false,              -- a system tenant: no cap applies
    changed_at timestamptz NOT NULL DEFAULT highway.now()
);
CREATE INDEX tenant_policy_closed ON highway.tenant_policy (tenant_id) WHERE paused_at IS NOT NULL OR max_running IS NOT NULL;
CALL highway.protect('highway.tenant_policy');

-- The limits that a definition carries, or NULL: its own `limits`, and `max_active_runs` when it is more than 1. Everybody's builder writes 1
-- whether its author thought of it or not; who means one run at a time says so in `limits`.
CREATE FUNCTION highway.limits_of(p_definition jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_agg(l.value) FROM (
        SELECT e.value FROM jsonb_array_elements(
                 CASE jsonb_typeof(p_definition -> 'limits') WHEN 'array' THEN p_definition -> 'limits' ELSE '[]' END) AS e (value)
         UNION ALL
        SELECT jsonb_build_object('kind', 'concurrency', 'limit', p_definition -> 'max_active_runs')
         WHERE jsonb_typeof(p_definition -> 'max_active_runs') = 'number' AND (p_definition ->> 'max_active_runs')::numeric > 1) AS l);
ALTER TABLE highway.workflow_definition ADD COLUMN limits jsonb GENERATED ALWAYS AS (highway.limits_of(definition)) STORED;

-- The key of a limit for one run: `{{ inputs.customer.id }}` is what the run was given.
CREATE FUNCTION highway.limit_key(p_template text, p_inputs jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_key text := p_template;
    v_found text[];
    v_value text;
BEGIN
    LOOP
        v_found := regexp_match(v_key, '(\{\{\s*inputs\.([A-Za-z0-9_.-]+)\s*\}\})');
        EXIT WHEN v_found IS NULL;
        v_value := p_inputs #>> string_to_array(v_found[2], '.');
        IF v_value IS NULL THEN
            RAISE EXCEPTION 'the key of a limit needs inputs.%, which the run was not given', v_found[2] USING ERRCODE = 'HW003';
        END IF;
        v_key := replace(v_key, v_found[1], replace(v_value, '{{', ''));
    END LOOP;
    IF v_key = '' THEN
        RAISE EXCEPTION 'the key of a limit is empty: % of what the run was given', p_template USING ERRCODE = 'HW003';
    END IF;
    RETURN CASE WHEN length(v_key) <= 255 THEN v_key ELSE left(v_key, 200) || md5(v_key) END;
END
$$;

-- The figure of a limit as `flow_limit` can keep it. A definition is stored as its author wrote it, where one goes without saying; what cannot be
-- kept is refused here, at the door: later it would be in the way of whoever is claimed beside it.
CREATE FUNCTION highway.limit_figure(p_kind text, p_limit numeric, p_per_seconds double precision) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_limit integer := least(coalesce(p_limit, 1), 2000000000)::integer;
BEGIN
    IF p_kind NOT IN ('concurrency', 'rate') OR v_limit < 1 OR (p_kind = 'rate' AND (v_limit > 1000 OR coalesce(p_per_seconds, 0) <= 0)) THEN
        RAISE EXCEPTION 'a limit cannot be kept: % of % in % s', p_kind, v_limit, coalesce(p_per_seconds::text, 'no') USING ERRCODE = 'HW003';
    END IF;
    RETURN v_limit;
END
$$;

-- What a run has to pass: limits of its definition and of its submission, each key once, slots before starts, by key. NULL: nothing.
CREATE FUNCTION highway.gate_of(p_limits jsonb, p_name text, p_inputs jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT jsonb_agg(to_jsonb(u) ORDER BY u.kind, u.key) FROM (
        SELECT DISTINCT ON (k.kind, k.key) k.kind, k.key, highway.limit_figure(k.kind, k."limit", k.per_seconds) AS "limit", k.per_seconds
          FROM (SELECT CASE l.kind WHEN 'throttle' THEN 'rate' ELSE l.kind END AS kind,
                       highway.limit_key(coalesce(l.key, 'workflow:' || p_name), p_inputs) AS key,
                       CASE l.kind WHEN 'throttle' THEN 1 ELSE l."limit" END AS "limit", l.per_seconds
                  FROM jsonb_to_recordset(p_limits) AS l (kind text, key text, "limit" numeric, per_seconds float8)) AS k
         ORDER BY k.kind, k.key, coalesce(k."limit", 1)) AS u);

-- By how many seconds a new task's turn is put off: one minute behind the last of its partition that waits in the queue.
CREATE FUNCTION highway.lane_of(p_tenant uuid, p_queue text, p_partition text, p_available_at timestamptz, p_priority smallint) RETURNS integer
    LANGUAGE sql STABLE
    RETURN coalesce((
        SELECT greatest(0, least(extract(epoch FROM highway.turn_of(t.available_at, t.priority, t.lane_seconds) + interval '1 minute'
                                         - highway.turn_of(p_available_at, p_priority, 0)), 2000000000))::integer
          FROM highway.task AS t
         WHERE t.tenant_id = p_tenant AND t.queue = p_queue AND t.partition_key = p_partition AND t.partition_key <> '' AND t.state = 'pending'
         ORDER BY highway.turn_of(t.available_at, t.priority, t.lane_seconds) DESC
         LIMIT 1), 0);

-- Gives a task's slots back, all or those of the given steps. The caller holds the task's row.
CREATE FUNCTION highway.free_slots(p_tenant uuid, p_task uuid, p_steps text[] DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    WITH freed AS (
        DELETE FROM highway.slot AS s
         WHERE s.tenant_id = p_tenant AND s.task_id = p_task AND (p_steps IS NULL OR s.step_key = ANY (p_steps))
        RETURNING s.key, s.granted_at
    )
    INSERT INTO highway.slot_mark (tenant_id, key) SELECT DISTINCT p_tenant, f.key FROM freed AS f WHERE f.granted_at IS NOT NULL;
    IF FOUND THEN
        PERFORM highway.hint_work();
    END IF;
END
$$;

-- A run whose start is moved stands in no line and holds nothing until then: it passes its limits from the first one on. The caller holds its task.
CREATE FUNCTION highway.leave_lines(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM highway.free_slots(p_tenant, p_run);
    DELETE FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_run AND w.step_key = '@slot';
    UPDATE highway.task AS t SET gate = highway.gate_of_run(p_tenant, p_run) WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

-- A task that ended holds nothing. One that is paused keeps the slot of its run, but not a step's: nobody shall wait for a person's pause; when
-- it goes on, its steps are first in line again.
CREATE FUNCTION highway.follow_limited_task() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT highway.is_open(NEW.state) THEN
        PERFORM highway.free_slots(NEW.tenant_id, NEW.task_id);
        DELETE FROM highway.run_key AS k WHERE k.tenant_id = NEW.tenant_id AND k.workflow_run_id = NEW.task_id;
        RETURN NULL;
    END IF;
    WITH put_back AS (
        UPDATE highway.slot AS s SET granted_at = NULL
         WHERE s.tenant_id = NEW.tenant_id AND s.task_id = NEW.task_id AND s.step_key <> '' AND s.granted_at IS NOT NULL AND NEW.state = 'paused'
        RETURNING s.key, s.step_key
    ), waits_again AS (
        UPDATE highway.wait AS w SET needed = w.needed + p.missing
          FROM (SELECT step_key, count(*) AS missing FROM put_back GROUP BY 1) AS p
         WHERE w.tenant_id = NEW.tenant_id AND w.task_id = NEW.task_id AND w.step_key = p.step_key AND w.kind = 'slot'
    )
    INSERT INTO highway.slot_mark (tenant_id, key)
    SELECT NEW.tenant_id, p.key FROM put_back AS p
     UNION
    SELECT NEW.tenant_id, s.key FROM highway.slot AS s
     WHERE s.tenant_id = NEW.tenant_id AND s.task_id = NEW.task_id AND s.granted_at IS NULL AND OLD.state = 'paused';
    PERFORM highway.hint_work();
    RETURN NULL;
END
$$;
CREATE TRIGGER follow_limited_task AFTER UPDATE OF state ON highway.task
    FOR EACH ROW WHEN (NEW.limited AND OLD.state IS DISTINCT FROM NEW.state
                       AND (NOT highway.is_open(NEW.state) OR NEW.state = 'paused' OR OLD.state = 'paused'))
    EXECUTE FUNCTION highway.follow_limited_task();

-- There may be room in a line that somebody waits in: who hears of it looks.
CREATE FUNCTION highway.mark_line(p_tenant uuid, p_key text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NULL) THEN
        INSERT INTO highway.slot_mark (tenant_id, key) VALUES (p_tenant, p_key);
        PERFORM highway.hint_work();
    END IF;
END
$$;

-- Makes the limits that are not there yet, brings figures up to date, and takes all of them, in the order of their keys.
CREATE FUNCTION highway.hold_limits(p_tenants uuid[], p_gates jsonb[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_used record;
BEGIN
    FOR v_used IN
        SELECT DISTINCT ON (g.tenant_id, u.kind, u.key) g.tenant_id, u.kind, u.key, u."limit" AS capacity, u.per_seconds
          FROM (SELECT unnest(p_tenants) AS tenant_id, unnest(p_gates) AS gate) AS g
         CROSS JOIN LATERAL jsonb_to_recordset(g.gate) AS u (kind text, key text, "limit" integer, per_seconds float8)
         ORDER BY g.tenant_id, u.kind, u.key
    LOOP
        -- Takes the row also where there is nothing to change.
        INSERT INTO highway.flow_limit AS l (tenant_id, kind, key, capacity, per_seconds)
        VALUES (v_used.tenant_id, v_used.kind, v_used.key, v_used.capacity, CASE v_used.kind WHEN 'rate' THEN v_used.per_seconds END)
        ON CONFLICT (tenant_id, kind, key) DO UPDATE
           SET capacity = excluded.capacity, per_seconds = excluded.per_seconds
         WHERE NOT l.pinned AND (l.capacity, l.per_seconds) IS DISTINCT FROM (excluded.capacity, excluded.per_seconds);
        IF FOUND AND v_used.kind = 'concurrency' THEN
            PERFORM highway.mark_line(v_used.tenant_id, v_used.key);  -- there may be more room than before
        END IF;
    END LOOP;
END
$$;

-- Check and register in one: a slot when one is free and nobody waits for it, else a place in the line. The caller holds the task and the limit.
CREATE FUNCTION highway.take_slot(p_tenant uuid, p_key text, p_task uuid, p_run uuid, p_step text) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    v_room boolean;
    v_waited boolean;
    v_granted timestamptz;
BEGIN
    v_room := (SELECT l.capacity FROM highway.flow_limit AS l WHERE l.tenant_id = p_tenant AND l.kind = 'concurrency' AND l.key = p_key)
              > (SELECT count(*) FROM highway.slot AS s WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NOT NULL);
    v_waited := EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NULL);
    INSERT INTO highway.slot AS s (tenant_id, key, task_id, step_key, workflow_run_id, granted_at)
    VALUES (p_tenant, p_key, p_task, p_step, p_run, CASE WHEN v_room AND NOT v_waited THEN highway.now() END)
    ON CONFLICT (tenant_id, task_id, step_key, key) DO UPDATE SET asked_at = s.asked_at
    RETURNING s.granted_at INTO v_granted;
    IF v_granted IS NULL AND v_room THEN
        PERFORM highway.mark_line(p_tenant, p_key);  -- somebody in the line can have it
    END IF;
    RETURN v_granted IS NOT NULL;
END
$$;

-- NULL: the start is taken. Else when to come again. Never more than `capacity` starts in any `per_seconds`: the start that was so many before has
-- to be so long ago. Who comes too early gets a place in time of its own (`p_in_line` when it comes back), so that they come one by one and in
-- order. The caller holds the limit; the clock is read behind that lock, so starts are in order.
CREATE FUNCTION highway.take_start(p_tenant uuid, p_key text, p_in_line boolean) RETURNS timestamptz
    LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := highway.now() + (clock_timestamp() - statement_timestamp());
    v_free_at timestamptz;
    v_next timestamptz;
    l highway.flow_limit;
BEGIN
    SELECT * INTO l FROM highway.flow_limit AS f WHERE f.tenant_id = p_tenant AND f.kind = 'rate' AND f.key = p_key;
    v_free_at := coalesce(l.starts[cardinality(l.starts) - l.capacity + 1] + make_interval(secs => l.per_seconds), '-infinity');
    IF v_free_at <= v_now AND (p_in_line OR l.next_start IS NULL OR l.next_start <= v_now) THEN
        UPDATE highway.flow_limit AS f SET starts = (l.starts || v_now)[greatest(1, cardinality(l.starts) + 2 - l.capacity):]
         WHERE f.tenant_id = p_tenant AND f.kind = 'rate' AND f.key = p_key;
        RETURN NULL;
    END IF;
    IF p_in_line THEN
        RETURN v_free_at;
    END IF;
    v_next := greatest(v_free_at, l.next_start + make_interval(secs => l.per_seconds / l.capacity));
    UPDATE highway.flow_limit AS f SET next_start = v_next WHERE f.tenant_id = p_tenant AND f.kind = 'rate' AND f.key = p_key;
    RETURN v_next;
END
$$;

-- Takes the limits of these tasks' gates for a claim, and returns the tasks whose limits are all taken. A claim may wait for other claims, but whoever
-- holds a limit for longer keeps only that limit's tasks from being claimed, and nobody else's; and so does a gate of which no limit can be made.
CREATE FUNCTION highway.hold_gates(p_tenants uuid[], p_tasks uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
    t record;
    v_held uuid[] := '{}'::uuid[];
BEGIN
    BEGIN
        PERFORM highway.hold_limits(array_agg(k.tenant_id), array_agg(k.gate))
           FROM unnest(p_tenants, p_tasks) AS c (tenant_id, task_id) JOIN highway.task AS k USING (tenant_id, task_id);
        RETURN p_tasks;
    EXCEPTION WHEN lock_not_available THEN
        FOR t IN SELECT k.tenant_id, k.task_id, k.gate
                   FROM unnest(p_tenants, p_tasks) AS c (tenant_id, task_id) JOIN highway.task AS k USING (tenant_id, task_id)
        LOOP
            IF jsonb_array_length(t.gate) = (SELECT count(*) FROM (
                   SELECT FROM highway.flow_limit AS l
                     JOIN jsonb_to_recordset(t.gate) AS u (kind text, key text) ON l.kind = u.kind AND l.key = u.key
                    WHERE l.tenant_id = t.tenant_id FOR NO KEY UPDATE OF l SKIP LOCKED) AS free) THEN
                v_held := v_held || t.task_id;
            END IF;
        END LOOP;
        RETURN v_held;
    WHEN integrity_constraint_violation OR data_exception THEN
        FOR t IN SELECT k.tenant_id, k.task_id, k.gate
                   FROM unnest(p_tenants, p_tasks) AS c (tenant_id, task_id) JOIN highway.task AS k USING (tenant_id, task_id)
        LOOP
            BEGIN
                PERFORM highway.hold_limits(ARRAY[t.tenant_id], ARRAY[t.gate]);
                v_held := v_held || t.task_id;
            EXCEPTION WHEN lock_not_available OR integrity_constraint_violation OR data_exception THEN
                RAISE WARNING 'task % of tenant % cannot pass its gate: %', t.task_id, t.tenant_id, SQLERRM;
            END;
        END LOOP;
        RETURN v_held;
    END;
END
$$;

-- The gates of tasks that a claim has chosen and locked: returns those that may run. The others are put to sleep, to be woken by a slot or by the time.
CREATE FUNCTION highway.pass_gates(p_tenants uuid[], p_tasks uuid[]) RETURNS SETOF uuid
    LANGUAGE plpgsql AS $$
DECLARE
    t record;
    g record;
    v_until timestamptz;
    v_held boolean;
    v_sets_time boolean := false;
    v_passed uuid[] := ARRAY[]::uuid[];
    v_of uuid[] := ARRAY[]::uuid[];
    v_reachable uuid[] := highway.hold_gates(p_tenants, p_tasks);
BEGIN
    FOR t IN SELECT k.tenant_id, k.task_id, k.workflow_run_id, k.gate
               FROM unnest(p_tenants, p_tasks) WITH ORDINALITY AS c (tenant_id, task_id, n) JOIN highway.task AS k USING (tenant_id, task_id)
              WHERE k.task_id = ANY (v_reachable)
              ORDER BY c.n
    LOOP
        v_held := false;
        FOR g IN SELECT e.n, e.value ->> 'kind' AS kind, e.value ->> 'key' AS key, coalesce((e.value ->> 'in_line')::boolean, false) AS in_line
                   FROM jsonb_array_elements(t.gate) WITH ORDINALITY AS e (value, n) ORDER BY e.n
        LOOP
            v_until := NULL;
            IF g.kind = 'rate' THEN
                v_until := highway.take_start(t.tenant_id, g.key, g.in_line);
                v_held := v_until IS NOT NULL;
            ELSE
                v_held := NOT highway.take_slot(t.tenant_id, g.key, t.task_id, t.workflow_run_id, '');
            END IF;
            EXIT WHEN v_held;
        END LOOP;
        DELETE FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id AND w.step_key = '@slot';
        IF NOT v_held THEN
            v_passed := v_passed || t.task_id;
            v_of := v_of || t.tenant_id;
            RETURN NEXT t.task_id;
            CONTINUE;
        END IF;
        IF v_until IS NULL THEN
            INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, needed, request)
            VALUES (t.tenant_id, t.task_id, '@slot', t.workflow_run_id, 'slot', 1, jsonb_build_object('kind', 'concurrency', 'key', g.key));
        END IF;
        v_sets_time := v_sets_time OR v_until IS NOT NULL;
        -- What it has passed it need not pass again; a start that it waits for is its own.
        UPDATE highway.task AS k
           SET state = 'sleeping', available_at = v_until, limited = true,
               gate = (SELECT jsonb_agg(CASE WHEN e.n = g.n AND g.kind = 'rate' THEN e.value || '{"in_line": true}' ELSE e.value END ORDER BY e.n)
                         FROM jsonb_array_elements(t.gate) WITH ORDINALITY AS e (value, n) WHERE e.n >= g.n)
         WHERE k.tenant_id = t.tenant_id AND k.task_id = t.task_id;
    END LOOP;
    PERFORM highway.let_begin(v_of, v_passed);
    IF v_sets_time THEN  -- of which a worker that rests hears by looking again, as the look before asked for the next time before it claimed
        PERFORM highway.hint_work();
    END IF;
END
$$;

-- Gives free slots to whoever is first in line. Returns how many tasks can go on. A waiter whose task somebody holds is not overtaken, and a limit
-- that somebody holds is not waited for long: the mark stays for the next time. Paused tasks are passed over; when they go on they leave a mark.
CREATE FUNCTION highway.grant_slots(p_quantity integer DEFAULT 100) RETURNS integer
    LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
    m record;
    v_free bigint;
    v_heads bigint[];
    v_granted integer;
    v_all integer := 0;
BEGIN
    FOR m IN
        WITH taken AS (
            DELETE FROM highway.slot_mark AS d
             WHERE (d.tenant_id, d.mark_id) IN (SELECT o.tenant_id, o.mark_id FROM highway.slot_mark AS o
                                                 ORDER BY o.tenant_id, o.mark_id LIMIT p_quantity FOR UPDATE SKIP LOCKED)
            RETURNING d.tenant_id, d.key)
        SELECT DISTINCT k.tenant_id, k.key FROM taken AS k ORDER BY 1, 2
    LOOP
        -- 1. The limit first: a waiter that is being registered is seen after this. 2. Who is first. 3. Their tasks, without waiting for any.
        BEGIN
            SELECT l.capacity::bigint INTO v_free FROM highway.flow_limit AS l
             WHERE l.tenant_id = m.tenant_id AND l.kind = 'concurrency' AND l.key = m.key FOR NO KEY UPDATE;
        EXCEPTION WHEN lock_not_available THEN
            INSERT INTO highway.slot_mark (tenant_id, key) VALUES (m.tenant_id, m.key);
            CONTINUE;
        END;
        v_free := v_free - (SELECT count(*) FROM highway.slot AS s WHERE s.tenant_id = m.tenant_id AND s.key = m.key AND s.granted_at IS NOT NULL);
        CONTINUE WHEN v_free IS NULL OR v_free <= 0;
        v_heads := ARRAY(SELECT s.seq FROM highway.slot AS s JOIN highway.task AS t USING (tenant_id, task_id)
                          WHERE s.tenant_id = m.tenant_id AND s.key = m.key AND s.granted_at IS NULL AND t.state <> 'paused'
                          ORDER BY s.seq LIMIT least(v_free, 1000));
        CONTINUE WHEN cardinality(v_heads) = 0;
        v_granted := highway.grant_to(m.tenant_id, m.key, v_heads);
        v_all := v_all + v_granted;
        IF v_granted < cardinality(v_heads) THEN
            INSERT INTO highway.slot_mark (tenant_id, key) VALUES (m.tenant_id, m.key);
        END IF;
    END LOOP;
    RETURN v_all;
END
$$;

-- Hands slots to these places in the line, as far as their tasks can be taken at once, and wakes the sleepers. The caller holds the limit.
CREATE FUNCTION highway.grant_to(p_tenant uuid, p_key text, p_seqs bigint[]) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_tasks uuid[];
    v_granted integer;
BEGIN
    v_tasks := ARRAY(
        SELECT t.task_id FROM highway.task AS t
         WHERE t.tenant_id = p_tenant
           AND t.task_id IN (SELECT s.task_id FROM highway.slot AS s
                              WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NULL AND s.seq = ANY (p_seqs))
         ORDER BY t.task_id FOR NO KEY UPDATE SKIP LOCKED);
    WITH granted AS (
        UPDATE highway.slot AS s SET granted_at = highway.now()
          FROM highway.task AS t
         WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NULL AND s.seq = ANY (p_seqs) AND s.task_id = ANY (v_tasks)
           AND t.tenant_id = s.tenant_id AND t.task_id = s.task_id AND t.state <> 'paused'
        RETURNING s.task_id, CASE s.step_key WHEN '' THEN '@slot' ELSE s.step_key END AS step_key
    ), counted AS (
        UPDATE highway.wait AS w SET needed = w.needed - 1
          FROM granted AS g WHERE w.tenant_id = p_tenant AND w.task_id = g.task_id AND w.step_key = g.step_key AND w.kind = 'slot'
        RETURNING w.task_id, w.needed
    )
    SELECT (SELECT count(*) FROM granted)::integer, array_agg(c.task_id) FILTER (WHERE c.needed <= 0) INTO v_granted, v_tasks FROM counted AS c;
    IF v_tasks IS NOT NULL THEN
        PERFORM highway.wake_tasks(array_fill(p_tenant, ARRAY[cardinality(v_tasks)]), v_tasks);
    END IF;
    RETURN v_granted;
END
$$;

-- Steps of claimed tasks ask for all that they need (`p_uses`, each like a gate): whether each may run now. One that may not waits in the line of
-- the first slot that is missing, or until its place in time, and asks again. The caller holds the tasks and has registered the steps' waits.
CREATE FUNCTION highway.pass_steps(
    p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_uses text[], p_in_line boolean[])
    RETURNS TABLE (task_id uuid, step_key text, granted boolean)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a record;
    g record;
    v_until timestamptz;
BEGIN
    PERFORM highway.hold_limits(p_tenants, p_uses::jsonb[]);
    FOR a IN
        SELECT c.tenant_id, c.task_id, t.workflow_run_id, c.step_key, c.uses::jsonb AS uses, c.in_line
          FROM unnest(p_tenants, p_tasks, p_epochs, p_steps, p_uses, p_in_line) WITH ORDINALITY
               AS c (tenant_id, task_id, epoch, step_key, uses, in_line, n)
          JOIN highway.task AS t ON t.tenant_id = c.tenant_id AND t.task_id = c.task_id AND t.epoch = c.epoch AND t.claimed_by IS NOT NULL
         ORDER BY c.n
    LOOP
        task_id := a.task_id;
        step_key := a.step_key;
        v_until := NULL;
        FOR g IN SELECT e.value ->> 'kind' AS kind, e.value ->> 'key' AS key FROM jsonb_array_elements(a.uses) AS e (value) ORDER BY 1, 2
        LOOP
            IF g.kind = 'rate' THEN
                v_until := highway.take_start(a.tenant_id, g.key, a.in_line);
                granted := v_until IS NULL;
            ELSE
                granted := highway.take_slot(a.tenant_id, g.key, a.task_id, a.workflow_run_id, a.step_key);
            END IF;
            EXIT WHEN NOT granted;
        END LOOP;
        UPDATE highway.task AS t SET limited = true WHERE t.tenant_id = a.tenant_id AND t.task_id = a.task_id AND NOT t.limited;
        UPDATE highway.wait AS w
           SET needed = CASE WHEN granted THEN 0 ELSE 1 END, due_at = v_until,
               request = w.request || jsonb_build_object('kind', g.kind, 'key', g.key)
         WHERE w.tenant_id = a.tenant_id AND w.task_id = a.task_id AND w.step_key = a.step_key;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Takes the caps on running tasks that concern these places; false when somebody else holds one for long.
CREATE FUNCTION highway.hold_caps(p_queues text[], p_tenants uuid[]) RETURNS boolean
    LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
BEGIN
    PERFORM FROM highway.tenant_policy AS p
      WHERE p.tenant_id = ANY (p_tenants) AND p.max_running IS NOT NULL ORDER BY p.tenant_id FOR NO KEY UPDATE;
    PERFORM FROM highway.queue_policy AS p
      WHERE p.queue = ANY (p_queues) AND p.tenant_id = ANY (p_tenants || '00000000-0000-0000-0000-000000000000'::uuid) AND p.max_running IS NOT NULL
      ORDER BY p.tenant_id, p.queue FOR NO KEY UPDATE;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;

-- How many tasks a claim may take at each place (queue and tenant) when caps on running tasks are set: the sizes that the claim would like, cut
-- to the room there is. Claims that a cap concerns take turns on its row, so that the tasks of the one before are counted; where that row
-- cannot be had, the places under a cap are left out this time, and only those.
CREATE FUNCTION highway.fit_claim(p_queues text[], p_tenants uuid[], p_sizes integer[])
    RETURNS TABLE (queue text, tenant_id uuid, size integer)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    c_all CONSTANT uuid := '00000000-0000-0000-0000-000000000000'::uuid;
    v_held boolean := highway.hold_caps(p_queues, p_tenants);
    v_left jsonb;
    v_place record;
BEGIN
    WITH cap AS (
        SELECT p.tenant_id, NULL AS queue, p.max_running FROM highway.tenant_policy AS p
         WHERE p.tenant_id = ANY (p_tenants) AND p.max_running IS NOT NULL AND NOT p.exempt
         UNION ALL
        SELECT p.tenant_id, p.queue, p.max_running FROM highway.queue_policy AS p
         WHERE p.queue = ANY (p_queues) AND p.tenant_id = ANY (p_tenants || c_all) AND p.max_running IS NOT NULL
    ), busy AS (
        SELECT t.queue, t.tenant_id, count(*) AS n FROM highway.task AS t WHERE t.state = 'running' AND v_held GROUP BY 1, 2
    )
    SELECT coalesce(jsonb_object_agg(concat_ws('/', c.tenant_id, c.queue), CASE WHEN v_held THEN c.max_running - coalesce((
               SELECT sum(b.n) FROM busy AS b
                WHERE (c.tenant_id = c_all OR b.tenant_id = c.tenant_id) AND (c.queue IS NULL OR b.queue = c.queue)), 0) ELSE 0 END), '{}')
      INTO v_left FROM cap AS c;
    FOR v_place IN SELECT p.queue, p.tenant_id, p.size,
                          ARRAY[p.tenant_id::text, concat_ws('/', p.tenant_id, p.queue), concat_ws('/', c_all, p.queue)] AS caps
                     FROM unnest(p_queues, p_tenants, p_sizes) WITH ORDINALITY AS p (queue, tenant_id, size, n) ORDER BY p.n
    LOOP
        queue := v_place.queue;
        tenant_id := v_place.tenant_id;
        size := greatest(0, least(v_place.size, (SELECT min((v_left ->> k)::integer) FROM unnest(v_place.caps) AS k)));
        v_left := v_left || coalesce((SELECT jsonb_object_agg(k, (v_left ->> k)::integer - size) FROM unnest(v_place.caps) AS k WHERE v_left ? k), '{}');
        RETURN NEXT;
    END LOOP;
END
$$;

-- May this tenant submit so many runs to this queue now? Raises HW002 when the queue is draining, HW004 when a cap of the tenant is reached. Submissions of a
-- tenant that has caps take turns, so that no two pass on the same count.
CREATE FUNCTION highway.check_admission(p_tenant uuid, p_queue text, p_quantity integer DEFAULT 1) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_policy highway.tenant_policy;
    v_figure bigint;
    v_first timestamptz;
BEGIN
    IF highway.is_draining(p_tenant, p_queue) THEN
        RAISE EXCEPTION 'the queue % is draining: it takes no new runs', p_queue USING ERRCODE = 'HW002';
    END IF;
    SELECT * INTO v_policy FROM highway.tenant_policy AS p
     WHERE p.tenant_id = p_tenant AND NOT p.exempt AND (p.max_backlog IS NOT NULL OR p.runs_per_minute IS NOT NULL);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text, 9));
    IF v_policy.max_backlog IS NOT NULL THEN
        v_figure := highway.backlog(p_tenant, v_policy.max_backlog) + highway.at_the_door(p_tenant, v_policy.max_backlog);
    END IF;
    IF v_figure + p_quantity > v_policy.max_backlog THEN
        RAISE EXCEPTION '% runs are waiting to start, and % is the limit', v_figure, v_policy.max_backlog
              USING ERRCODE = 'HW004', DETAIL = jsonb_build_object('what', 'backlog', 'figure', v_figure, 'limit', v_policy.max_backlog,
                                                                    'retry_after_seconds', 5)::text;
    END IF;
    SELECT count(*), min(r.created_at) INTO v_figure, v_first FROM (
        SELECT o.created_at FROM highway.workflow_run AS o
         WHERE o.tenant_id = p_tenant AND o.workflow_run_id >= highway.uuid7_from(statement_timestamp() - interval '90 seconds')
           AND o.created_at > highway.now() - interval '1 minute' AND o.parent_run_id IS NULL
         ORDER BY o.workflow_run_id DESC
         LIMIT v_policy.runs_per_minute) AS r;
    IF v_figure + p_quantity > v_policy.runs_per_minute THEN
        RAISE EXCEPTION '% runs were started within a minute, and % is the limit', v_figure, v_policy.runs_per_minute
              USING ERRCODE = 'HW004', DETAIL = jsonb_build_object(
                        'what', 'runs_per_minute', 'figure', v_figure, 'limit', v_policy.runs_per_minute,
                        'retry_after_seconds', coalesce(ceil(extract(epoch FROM v_first + interval '1 minute' - highway.now())), 60))::text;
    END IF;
END
$$;

-- The run that already stands under a key and can take this submission in: the open one (singleton), or one that has not begun to start
-- (debounce: with new inputs and a later start; batch: with one more item). NULL: there is none, and a new run takes the key.
CREATE FUNCTION highway.join_keyed_run(p_tenant uuid, p_kind text, p_key text, p_run uuid, p_inputs jsonb, p_how jsonb) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    v_since timestamptz;
    v_starts timestamptz;
    v_items jsonb;
    t highway.task;
BEGIN
    -- 1. The task, before all else: a claim either has it already, or passes by until this is over. 2. Is it still the one, and has it not begun?
    SELECT * INTO t FROM highway.task AS o WHERE o.tenant_id = p_tenant AND o.task_id = p_run FOR NO KEY UPDATE;
    SELECT k.since INTO v_since FROM highway.run_key AS k
     WHERE k.tenant_id = p_tenant AND k.kind = p_kind AND k.key = p_key AND k.workflow_run_id = p_run;
    IF v_since IS NULL OR t.attempt > 0 OR t.state NOT IN ('sleeping', 'pending') OR t.gate @> '[{"in_line": true}]'
       OR EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_run) THEN
        RETURN false;
    END IF;
    IF p_kind = 'debounce' THEN
        v_starts := least(highway.now() + make_interval(secs => (p_how ->> 'seconds')::float8),
                          v_since + make_interval(secs => (p_how ->> 'max_wait_seconds')::float8));
        UPDATE highway.workflow_run AS r SET inputs = p_inputs, limits = nullif(p_how -> 'limits', '[]')
         WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
        UPDATE highway.task AS o SET gate = highway.gate_of_run(p_tenant, p_run) WHERE o.tenant_id = p_tenant AND o.task_id = p_run;
    ELSE
        SELECT r.inputs -> 'items' INTO v_items FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
        IF jsonb_array_length(v_items) >= (p_how ->> 'size')::integer THEN
            RETURN false;
        END IF;
        v_items := v_items || jsonb_build_array(p_inputs);
        v_starts := CASE WHEN jsonb_array_length(v_items) >= (p_how ->> 'size')::integer THEN highway.now() ELSE t.available_at END;
        UPDATE highway.workflow_run AS r SET inputs = jsonb_build_object('items', v_items) WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    END IF;
    PERFORM highway.plan_start(p_tenant, p_run, v_starts), highway.add_starter(p_tenant, p_run, p_how ->> 'by');
    RETURN true;
END
$$;

-- Takes a key for a new run, or finds the run that stands under it and takes the submission in: then its id is the answer.
CREATE FUNCTION highway.take_run_key(p_tenant uuid, p_kind text, p_key text, p_inputs jsonb, p_how jsonb) RETURNS uuid
    LANGUAGE plpgsql AS $$
DECLARE
    v_run uuid;
BEGIN
    LOOP
        -- Waits for a transaction that is taking or giving back the same key.
        INSERT INTO highway.run_key (tenant_id, kind, key) VALUES (p_tenant, p_kind, p_key) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        SELECT k.workflow_run_id INTO v_run FROM highway.run_key AS k WHERE k.tenant_id = p_tenant AND k.kind = p_kind AND k.key = p_key;
        CONTINUE WHEN NOT FOUND;
        IF p_kind = 'singleton' THEN
            IF p_how ->> 'policy' = 'refuse' THEN
                RAISE EXCEPTION 'run % is open under the key %', v_run, p_key USING ERRCODE = 'HW002';
            END IF;
            RETURN v_run;
        END IF;
        IF highway.join_keyed_run(p_tenant, p_kind, p_key, v_run, p_inputs, p_how) THEN
            RETURN v_run;
        END IF;
        UPDATE highway.run_key AS k SET workflow_run_id = NULL, since = highway.now()
         WHERE k.tenant_id = p_tenant AND k.kind = p_kind AND k.key = p_key AND k.workflow_run_id = v_run;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END LOOP;
END
$$;

-- Starts a run as somebody outside asks for it: admission first. All NULL when there is no such definition.
CREATE FUNCTION highway.submit(
    p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision,
    p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_retry_of uuid,
    OUT workflow_run_id uuid, OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer, OUT status text)
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM highway.check_admission(p_tenant, p_queue);
    SELECT d.definition_id, d.definition_hash, d.name, d.version, CASE WHEN p_delay_seconds > 0 THEN 'sleeping' ELSE 'pending' END
      INTO definition_id, definition_hash, name, version, status
      FROM highway.workflow_definition AS d WHERE d.tenant_id = p_tenant AND d.definition_id = p_definition;
    IF FOUND THEN
        workflow_run_id := highway.submit_run(p_tenant, p_definition, p_inputs, p_queue, p_priority, p_delay_seconds,
                                              p_tags, p_attributes, p_trigger, p_triggered_by, p_retry_of);
    END IF;
END
$$;

-- Starts a run under flow options, or lets one that is there take the submission in. `p_flow`: limits, partition_key, and at most one of
-- singleton {key, policy}, debounce {key, seconds, max_wait_seconds}, batch {key, size, seconds}.
CREATE FUNCTION highway.submit_flow(
    p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision,
    p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_flow jsonb,
    OUT workflow_run_id uuid, OUT joined boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    v_kind text := (SELECT k FROM unnest(ARRAY['singleton', 'debounce', 'batch']) AS k WHERE p_flow ? k LIMIT 1);
    v_how jsonb := (p_flow -> v_kind) || jsonb_build_object('limits', coalesce(nullif(p_flow -> 'limits', 'null'), '[]'), 'by', p_triggered_by);
BEGIN
    PERFORM highway.check_admission(p_tenant, p_queue);
    joined := false;
    IF v_kind IS NOT NULL THEN
        workflow_run_id := highway.take_run_key(p_tenant, v_kind, v_how ->> 'key', p_inputs, v_how);
        IF workflow_run_id IS NOT NULL THEN
            joined := true;
            RETURN;
        END IF;
    END IF;
    workflow_run_id := highway.submit_run(
        p_tenant, p_definition, CASE v_kind WHEN 'batch' THEN jsonb_build_object('items', jsonb_build_array(p_inputs)) ELSE p_inputs END,
        p_queue, p_priority, CASE WHEN v_kind IN ('debounce', 'batch') THEN (v_how ->> 'seconds')::float8 ELSE p_delay_seconds END,
        p_tags, p_attributes, p_trigger, p_triggered_by,
        p_limits => nullif(p_flow -> 'limits', 'null'), p_partition_key => coalesce(p_flow ->> 'partition_key', ''));
    IF workflow_run_id IS NULL THEN
        RAISE EXCEPTION 'no workflow definition %', p_definition USING ERRCODE = 'HW001';
    END IF;
    IF v_kind = 'singleton' THEN
        PERFORM highway.stand_under(p_tenant, workflow_run_id, v_how ->> 'key');
    ELSIF v_kind IS NOT NULL THEN
        UPDATE highway.run_key AS k SET workflow_run_id = submit_flow.workflow_run_id
         WHERE k.tenant_id = p_tenant AND k.kind = v_kind AND k.key = v_how ->> 'key';
        UPDATE highway.task AS t SET limited = true WHERE t.tenant_id = p_tenant AND t.task_id = submit_flow.workflow_run_id;
    END IF;
END
$$;
