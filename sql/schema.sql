-- Made by `make schema` from sql/migrations. Read it, do not edit it: a test compares the two.

CREATE SCHEMA highway;

ALTER SCHEMA highway OWNER TO highway_owner;

CREATE FUNCTION highway.add_starter(p_tenant uuid, p_run uuid, p_by text) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE highway.workflow_run AS r SET started_by = highway.started_by(p_tenant, p_run) || p_by
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND p_by <> ALL (highway.started_by(p_tenant, p_run))
$$;

ALTER FUNCTION highway.add_starter(p_tenant uuid, p_run uuid, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.admit_call(p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text, OUT admitted boolean, OUT state text, OUT seconds double precision) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now highway.breaker;
BEGIN
    SELECT b.* INTO v_now FROM highway.breaker AS b
     WHERE b.tenant_id = p_tenant AND b.workflow_name = p_workflow AND b.resource_key = p_resource;
    IF NOT FOUND OR v_now.state = 'closed' THEN
        admitted := true; state := 'closed'; seconds := 0;
        RETURN;
    END IF;
    -- From here on one after the other: who comes second sees the probe of the first.
    SELECT b.* INTO v_now FROM highway.breaker AS b
     WHERE b.tenant_id = p_tenant AND b.workflow_name = p_workflow AND b.resource_key = p_resource FOR UPDATE;
    state := coalesce(v_now.state, 'closed');
    seconds := coalesce(greatest(extract(epoch FROM v_now.open_until - highway.now()), 0), 0)::double precision;
    admitted := CASE state
        WHEN 'closed' THEN true
        WHEN 'open' THEN v_now.open_until <= highway.now()
        ELSE NOT EXISTS (SELECT FROM highway.task AS t
                          WHERE t.tenant_id = p_tenant AND t.task_id = v_now.probe_task_id AND t.epoch = v_now.probe_epoch
                            AND t.claimed_by IS NOT NULL) END;
    IF state = 'closed' OR NOT admitted THEN
        RETURN;
    END IF;
    UPDATE highway.breaker AS b
       SET state = 'half_open', open_until = NULL, successes = CASE b.state WHEN 'open' THEN 0 ELSE b.successes END,
           probe_task_id = p_task, probe_epoch = p_epoch, probe_step = p_step, changed_at = highway.now()
     WHERE b.tenant_id = p_tenant AND b.workflow_name = p_workflow AND b.resource_key = p_resource;
    IF state = 'open' THEN
        PERFORM highway.tell_of_breaker(p_tenant, p_run, p_scope, p_step, 'half_open', p_workflow, p_resource);
    END IF;
    state := 'half_open';
END
$$;

ALTER FUNCTION highway.admit_call(p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text, OUT admitted boolean, OUT state text, OUT seconds double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.admit_children(p_tenant uuid, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_cap integer := highway.backlog_cap(p_tenant);
    v_room bigint := p_quantity::bigint;
    v_admitted integer;
BEGIN
    IF v_cap IS NOT NULL THEN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(p_tenant::text, 9)) THEN
            RETURN 0;
        END IF;
        v_room := greatest(0, least(p_quantity, v_cap - highway.backlog(p_tenant, v_cap)));
    END IF;
    WITH first AS (
        SELECT t.tenant_id, t.task_id FROM highway.wait AS w JOIN highway.task AS t USING (tenant_id, task_id)
         WHERE w.tenant_id = p_tenant AND w.kind = 'room' AND t.state = 'sleeping' AND NOT highway.is_draining(t.tenant_id, t.queue)
         ORDER BY t.task_id
         LIMIT v_room
           FOR NO KEY UPDATE OF t SKIP LOCKED
    ), gone AS (
        DELETE FROM highway.wait AS w USING first AS f
         WHERE w.tenant_id = f.tenant_id AND w.task_id = f.task_id AND w.kind = 'room'
        RETURNING w.tenant_id, w.task_id, w.request
    ), admitted AS (
        UPDATE highway.task AS t SET state = 'pending', available_at = highway.now(), gate = nullif(g.request -> 'gate', 'null')
          FROM gone AS g WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id
        RETURNING t.task_id
    )
    SELECT count(*)::integer INTO v_admitted FROM admitted;
    IF v_admitted > 0 THEN
        PERFORM highway.hint_work();
    END IF;
    RETURN v_admitted;
END
$$;

ALTER FUNCTION highway.admit_children(p_tenant uuid, p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.admits_child(p_tenant uuid, p_queue text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_cap integer := highway.backlog_cap(p_tenant);
BEGIN
    IF highway.is_draining(p_tenant, p_queue) THEN
        RETURN false;
    ELSIF v_cap IS NULL THEN
        RETURN true;
    ELSIF NOT pg_try_advisory_xact_lock(hashtextextended(p_tenant::text, 9)) THEN
        RETURN false;
    END IF;
    RETURN highway.backlog(p_tenant, v_cap) + highway.at_the_door(p_tenant, v_cap) < v_cap;
END
$$;

ALTER FUNCTION highway.admits_child(p_tenant uuid, p_queue text) OWNER TO highway_owner;

CREATE FUNCTION highway.apply_pause(p_tenant uuid, p_run uuid, p_by text, p_reason text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_runs uuid[] := (SELECT f.runs FROM highway.open_families(ARRAY[p_tenant], ARRAY[p_run]) AS f);
    v_tenants uuid[];
    v_tasks uuid[];
BEGIN
    WITH paused AS (
        UPDATE highway.workflow_run AS r
           SET paused_at = highway.now(), paused_by = p_by, pause_reason = p_reason,
               paused_with = CASE WHEN r.workflow_run_id <> p_run THEN p_run END
         WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_runs) AND r.finished_at IS NULL AND r.paused_at IS NULL
        RETURNING r.workflow_run_id
    )
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, data)
    SELECT p_tenant, p.workflow_run_id, highway.now(), 'paused', jsonb_build_object('by', p_by, 'reason', p_reason) FROM paused AS p;
    WITH paused AS (
        UPDATE highway.task AS t
           SET pause_requested = true, state = CASE WHEN t.claimed_by IS NULL THEN 'paused' ELSE t.state END
         WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (v_runs) AND highway.is_open(t.state)
           AND NOT t.pause_requested AND NOT t.cancel_requested
        RETURNING t.tenant_id, t.task_id
    )
    SELECT array_agg(p.tenant_id), array_agg(p.task_id) INTO v_tenants, v_tasks FROM paused AS p;
    PERFORM highway.hint_about(v_tenants, v_tasks);
END
$$;

ALTER FUNCTION highway.apply_pause(p_tenant uuid, p_run uuid, p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.apply_resume(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_runs uuid[];
    v_tenants uuid[];
    v_tasks uuid[];
BEGIN
    WITH resumed AS (
        UPDATE highway.workflow_run AS r SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, paused_with = NULL
         WHERE r.tenant_id = p_tenant AND (r.workflow_run_id = p_run OR r.paused_with = p_run)
           AND r.workflow_run_id = ANY (SELECT unnest(f.runs) FROM highway.open_families(ARRAY[p_tenant], ARRAY[p_run]) AS f)
        RETURNING r.workflow_run_id
    )
    SELECT array_agg(r.workflow_run_id) INTO v_runs FROM resumed AS r;
    WITH resumed AS (
        UPDATE highway.task AS t
           SET pause_requested = false,
               state = CASE WHEN o.state = 'running' THEN o.state WHEN o.is_due THEN 'pending' ELSE 'sleeping' END,
               available_at = CASE WHEN o.state = 'running' THEN o.available_at WHEN o.is_due THEN highway.now()
                                   ELSE least(o.available_at, o.first_due) END
          FROM (SELECT p.task_id, p.state, p.available_at, s.first_due,
                       coalesce(s.is_over, p.available_at IS NULL) OR coalesce(p.available_at <= highway.now(), false) AS is_due
                  FROM highway.task AS p
                 CROSS JOIN LATERAL highway.wait_standing(p.tenant_id, p.task_id) AS s
                 WHERE p.tenant_id = p_tenant AND p.workflow_run_id = ANY (v_runs) AND highway.is_open(p.state) AND p.pause_requested) AS o
         WHERE t.tenant_id = p_tenant AND t.task_id = o.task_id
        RETURNING t.tenant_id, t.task_id
    )
    SELECT array_agg(r.tenant_id), array_agg(r.task_id) INTO v_tenants, v_tasks FROM resumed AS r;
    PERFORM highway.hint_about(v_tenants, v_tasks);
END
$$;

ALTER FUNCTION highway.apply_resume(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (statement_timestamp() + COALESCE((NULLIF(current_setting('highway.now_offset'::text, true), ''::text))::interval, '00:00:00'::interval));

ALTER FUNCTION highway.now() OWNER TO highway_owner;

CREATE TABLE highway.queue_policy (
    tenant_id uuid NOT NULL,
    queue text NOT NULL,
    paused_at timestamp with time zone,
    paused_by text DEFAULT ''::text NOT NULL,
    pause_reason text DEFAULT ''::text NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    max_running integer,
    changed_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT queue_policy_max_running_check CHECK ((max_running >= 0))
);

ALTER TABLE ONLY highway.queue_policy FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.queue_policy OWNER TO highway_owner;

CREATE FUNCTION highway.is_draining(p_tenant uuid, p_queue text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM highway.queue_policy q WHERE ((q.queue = is_draining.p_queue) AND q.draining AND (q.tenant_id = ANY (ARRAY[is_draining.p_tenant, '00000000-0000-0000-0000-000000000000'::uuid])))));

ALTER FUNCTION highway.is_draining(p_tenant uuid, p_queue text) OWNER TO highway_owner;

CREATE TABLE highway.task (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    kind text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    path text[] DEFAULT '{}'::text[] NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    queue text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    available_at timestamp with time zone,
    attempt integer DEFAULT 0 NOT NULL,
    rescues integer DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    claimed_by uuid,
    claimed_at timestamp with time zone,
    cancel_requested boolean DEFAULT false NOT NULL,
    pause_requested boolean DEFAULT false NOT NULL,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    running_steps jsonb,
    parent_task_id uuid,
    report_key text,
    completion_event text,
    result jsonb,
    error jsonb,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    finished_at timestamp with time zone,
    gate jsonb,
    limited boolean DEFAULT false NOT NULL,
    partition_key text DEFAULT ''::text NOT NULL,
    lane_seconds integer DEFAULT 0 NOT NULL,
    holds_locks boolean DEFAULT false NOT NULL,
    phase text DEFAULT ''::text NOT NULL,
    CONSTRAINT task_check CHECK (((kind = 'workflow'::text) = (key = ''::text))),
    CONSTRAINT task_check1 CHECK (((state = 'running'::text) = (claimed_by IS NOT NULL))),
    CONSTRAINT task_kind_check CHECK ((kind = ANY ('{workflow,branch,activity}'::text[]))),
    CONSTRAINT task_phase_check CHECK ((phase = ANY ('{"",undoing}'::text[]))),
    CONSTRAINT task_state_check CHECK ((state = ANY ('{pending,running,sleeping,paused,completed,failed,cancelled,compensated}'::text[])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');

ALTER TABLE ONLY highway.task FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.task OWNER TO highway_owner;

CREATE TABLE highway.wait (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    step_key text NOT NULL,
    workflow_run_id uuid NOT NULL,
    kind text NOT NULL,
    due_at timestamp with time zone,
    event_name text,
    awaited text[],
    needed integer,
    attempt integer DEFAULT 0 NOT NULL,
    error jsonb,
    request jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    given jsonb,
    CONSTRAINT wait_check CHECK (((kind = ANY ('{event,signal,update}'::text[])) = (event_name IS NOT NULL))),
    CONSTRAINT wait_check1 CHECK (((kind = 'tasks'::text) = ((awaited IS NOT NULL) AND (needed IS NOT NULL)))),
    CONSTRAINT wait_check2 CHECK (((kind <> ALL ('{timer,retry}'::text[])) OR (due_at IS NOT NULL))),
    CONSTRAINT wait_kind_check CHECK ((kind = ANY ('{timer,event,retry,tasks,person,signal,update,slot,code,lock,room,start,approval}'::text[])))
);

ALTER TABLE ONLY highway.wait FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.wait OWNER TO highway_owner;

CREATE FUNCTION highway.at_the_door(p_tenant uuid, p_most integer) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT count(*) AS count FROM (SELECT FROM (highway.wait w JOIN highway.task t USING (tenant_id, task_id)) WHERE ((w.tenant_id = at_the_door.p_tenant) AND (w.kind = 'room'::text) AND (t.state = 'sleeping'::text) AND (NOT highway.is_draining(t.tenant_id, t.queue))) LIMIT at_the_door.p_most) o);

ALTER FUNCTION highway.at_the_door(p_tenant uuid, p_most integer) OWNER TO highway_owner;

CREATE FUNCTION highway.uuid7_from(p_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((lpad(to_hex(((EXTRACT(epoch FROM p_at) * (1000)::numeric))::bigint), 12, '0'::text) || '70008000000000000000'::text))::uuid;

ALTER FUNCTION highway.uuid7_from(p_at timestamp with time zone) OWNER TO highway_owner;

CREATE FUNCTION highway.ids_between(p_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_before uuid DEFAULT NULL::uuid, OUT low uuid, OUT high uuid) RETURNS record
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ROW(COALESCE(highway.uuid7_from(p_from), '00000000-0000-0000-0000-000000000000'::uuid), LEAST(p_before, highway.uuid7_from(p_to), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid));

ALTER FUNCTION highway.ids_between(p_from timestamp with time zone, p_to timestamp with time zone, p_before uuid, OUT low uuid, OUT high uuid) OWNER TO highway_owner;

CREATE TABLE highway.workflow_run (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    definition_id uuid NOT NULL,
    definition_hash text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    inputs jsonb DEFAULT '{}'::jsonb NOT NULL,
    error jsonb,
    trigger text DEFAULT 'api'::text NOT NULL,
    triggered_by text DEFAULT ''::text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    parent_run_id uuid,
    parent_key text,
    retry_of uuid,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    deadline_at timestamp with time zone,
    deadline_action text DEFAULT 'fail'::text NOT NULL,
    cancel_requested_at timestamp with time zone,
    cancel_reason text,
    cancel_outcome text,
    paused_at timestamp with time zone,
    paused_by text,
    pause_reason text,
    paused_with uuid,
    fork_of uuid,
    fork_step text,
    continued_from uuid,
    continued_to uuid,
    first_run_id uuid,
    limits jsonb,
    singleton_key text,
    started_by text[],
    CONSTRAINT workflow_run_cancel_outcome_check CHECK ((cancel_outcome = ANY ('{cancelled,failed}'::text[]))),
    CONSTRAINT workflow_run_check CHECK (((parent_run_id IS NULL) = (parent_key IS NULL))),
    CONSTRAINT workflow_run_deadline_action_check CHECK ((deadline_action = ANY ('{fail,cancel}'::text[]))),
    CONSTRAINT workflow_run_status_check CHECK ((status = ANY ('{pending,running,sleeping,paused,completed,failed,cancelled,compensated}'::text[])))
)
WITH (fillfactor='80');

ALTER TABLE ONLY highway.workflow_run FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.workflow_run OWNER TO highway_owner;

CREATE FUNCTION highway.backlog(p_tenant uuid, p_most integer) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN ((SELECT count(*) AS count FROM (SELECT FROM (highway.ids_between() b(low, high) CROSS JOIN LATERAL (SELECT FROM highway.workflow_run r_1 WHERE ((r_1.tenant_id = backlog.p_tenant) AND (ROW(r_1.status, r_1.workflow_run_id) >= ROW('pending'::text, b.low)) AND (ROW(r_1.status, r_1.workflow_run_id) < ROW('pending'::text, b.high))) ORDER BY r_1.status, r_1.workflow_run_id LIMIT backlog.p_most) r)) due) + (SELECT count(*) AS count FROM (SELECT FROM highway.task t WHERE ((t.tenant_id = backlog.p_tenant) AND (t.gate IS NOT NULL) AND (t.state = 'sleeping'::text)) LIMIT backlog.p_most) held));

ALTER FUNCTION highway.backlog(p_tenant uuid, p_most integer) OWNER TO highway_owner;

CREATE TABLE highway.tenant_policy (
    tenant_id uuid NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    paused_at timestamp with time zone,
    paused_by text DEFAULT ''::text NOT NULL,
    pause_reason text DEFAULT ''::text NOT NULL,
    max_running integer,
    max_backlog integer,
    runs_per_minute integer,
    exempt boolean DEFAULT false NOT NULL,
    changed_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT tenant_policy_max_backlog_check CHECK ((max_backlog >= 0)),
    CONSTRAINT tenant_policy_max_running_check CHECK ((max_running >= 0)),
    CONSTRAINT tenant_policy_runs_per_minute_check CHECK ((runs_per_minute >= 0)),
    CONSTRAINT tenant_policy_weight_check CHECK (((weight >= 1) AND (weight <= 100)))
);

ALTER TABLE ONLY highway.tenant_policy FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.tenant_policy OWNER TO highway_owner;

CREATE FUNCTION highway.backlog_cap(p_tenant uuid) RETURNS integer
    LANGUAGE sql STABLE
    RETURN (SELECT p.max_backlog FROM highway.tenant_policy p WHERE ((p.tenant_id = backlog_cap.p_tenant) AND (NOT p.exempt)));

ALTER FUNCTION highway.backlog_cap(p_tenant uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.begin_activity_anew() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.activity AS a
       SET start_by = highway.now() + make_interval(secs => a.schedule_to_start_seconds),
           close_by = highway.now() + make_interval(secs => a.schedule_to_close_seconds),
           started_at = NULL, failed_attempt = NULL, cancel_reason = NULL
     WHERE a.tenant_id = NEW.tenant_id AND a.task_id = NEW.task_id;
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.begin_activity_anew() OWNER TO highway_owner;

CREATE TABLE highway.activity (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    function text DEFAULT ''::text NOT NULL,
    max_attempts integer DEFAULT 1 NOT NULL,
    schedule_to_start_seconds double precision,
    schedule_to_close_seconds double precision,
    start_by timestamp with time zone,
    close_by timestamp with time zone,
    start_to_close_seconds double precision,
    heartbeat_seconds double precision,
    epoch integer DEFAULT 0 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    worker_id uuid,
    last_heartbeat_at timestamp with time zone,
    heartbeats integer DEFAULT 0 NOT NULL,
    details jsonb,
    failed_attempt jsonb,
    cancel_reason text
)
WITH (fillfactor='70');

ALTER TABLE ONLY highway.activity FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.activity OWNER TO highway_owner;

CREATE FUNCTION highway.broken_limit(p_activity highway.activity, p_grace_seconds double precision) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN (((p_activity).started_at + make_interval(secs => ((p_activity).start_to_close_seconds + p_grace_seconds))) <= highway.now()) THEN 'StartToClose'::text WHEN ((GREATEST((p_activity).started_at, (p_activity).last_heartbeat_at) + make_interval(secs => ((p_activity).heartbeat_seconds + p_grace_seconds))) <= highway.now()) THEN 'Heartbeat'::text ELSE NULL::text END;

ALTER FUNCTION highway.broken_limit(p_activity highway.activity, p_grace_seconds double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.bury_failed_task() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO highway.dead_letter (tenant_id, workflow_run_id, task_id, scope, step_key, error, reason)
    VALUES (NEW.tenant_id, NEW.workflow_run_id, NEW.task_id, NEW.key, coalesce(NEW.error ->> 'step', ''), NEW.error,
            CASE WHEN NEW.error ->> 'kind' IN ('poison', 'divergence') THEN NEW.error ->> 'kind'
                 WHEN NEW.error ->> 'type' = 'UnreadableDefinitionError' THEN 'definition'
                 WHEN NEW.error ->> 'type' = 'StorageError' THEN 'storage'
                 WHEN NEW.kind = 'activity' AND NEW.error ->> 'kind' <> 'internal' THEN 'activity'
                 ELSE 'internal' END);
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.bury_failed_task() OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_activity(p_tenant uuid, p_task uuid, p_reason text DEFAULT 'cancelled'::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run uuid := (SELECT t.workflow_run_id FROM highway.task AS t
                    WHERE t.tenant_id = p_tenant AND t.task_id = p_task AND t.kind = 'activity');
    v_state text;
BEGIN
    IF v_run IS NULL THEN
        RAISE EXCEPTION 'no activity %', p_task USING ERRCODE = 'HW001';
    END IF;
    PERFORM highway.lock_open_tasks(p_tenant, v_run);
    SELECT t.state INTO v_state FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    IF NOT highway.is_open(v_state) THEN
        RAISE EXCEPTION 'activity % has already ended', p_task USING ERRCODE = 'HW002';
    END IF;
    UPDATE highway.activity AS a SET cancel_reason = coalesce(a.cancel_reason, p_reason)
     WHERE a.tenant_id = p_tenant AND a.task_id = p_task;
    PERFORM highway.cancel_tasks(p_tenant, ARRAY[p_task], p_reason);
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, data)
    SELECT p_tenant, v_run, highway.now(), 'activity_cancel_requested', t.key, jsonb_build_object('reason', p_reason)
      FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    RETURN (SELECT t.state FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_task);
END
$$;

ALTER FUNCTION highway.cancel_activity(p_tenant uuid, p_task uuid, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_orphan(p_tenant uuid, p_run uuid, p_reason text, p_outcome text) RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.require_open_run(p_tenant, p_run);
    IF NOT EXISTS (
        SELECT FROM highway.workflow_run AS c
          JOIN highway.workflow_run AS p ON p.tenant_id = c.tenant_id AND p.workflow_run_id = c.parent_run_id
          JOIN highway.task AS own ON own.tenant_id = c.tenant_id AND own.task_id = c.workflow_run_id
          LEFT JOIN highway.task AS branch ON branch.tenant_id = c.tenant_id AND branch.task_id = own.parent_task_id
          LEFT JOIN highway.task AS parent_task ON parent_task.tenant_id = c.tenant_id AND parent_task.task_id = c.parent_run_id
         WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run
           AND (p.status IN ('failed', 'cancelled', 'compensated') OR branch.state IN ('failed', 'cancelled') OR parent_task.phase = 'undoing')) THEN
        RAISE EXCEPTION 'the parent of workflow run % goes on', p_run USING ERRCODE = 'HW002';
    END IF;
    RETURN highway.cancel_run(p_tenant, p_run, p_reason, p_outcome);
END
$$;

ALTER FUNCTION highway.cancel_orphan(p_tenant uuid, p_run uuid, p_reason text, p_outcome text) OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_run(p_tenant uuid, p_run uuid, p_reason text DEFAULT 'cancelled'::text, p_outcome text DEFAULT 'cancelled'::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_reason text;
    v_outcome text;
    v_others uuid[];
BEGIN
    PERFORM highway.require_open_run(p_tenant, p_run);
    IF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run AND t.phase = 'undoing') THEN
        RAISE EXCEPTION 'workflow run % is undoing what it did; let it, or kill it', p_run USING ERRCODE = 'HW002';
    END IF;
    UPDATE highway.workflow_run AS r
       SET cancel_requested_at = coalesce(r.cancel_requested_at, highway.now()), cancel_reason = coalesce(r.cancel_reason, p_reason),
           cancel_outcome = coalesce(r.cancel_outcome, p_outcome)
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run
    RETURNING r.cancel_reason, r.cancel_outcome INTO v_reason, v_outcome;
    v_others := ARRAY(SELECT t.task_id FROM highway.task AS t
                       WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.task_id <> p_run AND highway.is_open(t.state));
    IF v_others <> '{}' THEN  -- most runs have none, and to stop nobody takes as long as to stop one
        PERFORM highway.cancel_tasks(p_tenant, v_others, v_reason);
    END IF;
    PERFORM highway.cancel_tasks(p_tenant, ARRAY[p_run], v_reason, v_outcome);
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, data)
    VALUES (p_tenant, p_run, highway.now(), 'cancel_requested', jsonb_build_object('reason', p_reason, 'outcome', p_outcome));
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.cancel_run(p_tenant uuid, p_run uuid, p_reason text, p_outcome text) OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_runs_of_schedule(p_tenant uuid, p_schedule uuid, p_reason text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.cancel_runs_of_schedule(p_tenant uuid, p_schedule uuid, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_tasks(p_tenant uuid, p_tasks uuid[], p_reason text, p_outcome text DEFAULT 'cancelled'::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_ended uuid[];
    v_doomed uuid[] := ARRAY(
        WITH RECURSIVE doomed (task_id) AS (
            SELECT unnest(p_tasks)
             UNION
            -- OFFSET 0: one look into the index for each, never a join over all tasks that have parents.
            SELECT t.task_id FROM doomed AS d CROSS JOIN LATERAL (
                SELECT o.task_id FROM highway.task AS o
                 WHERE o.tenant_id = p_tenant AND o.parent_task_id = d.task_id AND o.kind <> 'workflow' OFFSET 0) AS t
        )
        SELECT d.task_id FROM doomed AS d);
BEGIN
    UPDATE highway.task AS t SET cancel_requested = true
     WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_doomed) AND highway.is_open(t.state);
    -- A run that has something to undo does not end here: it undoes it.
    PERFORM highway.turn_to_undoing(array_agg(t.tenant_id), array_agg(t.task_id), array_agg(highway.stop_error(p_outcome, p_reason)))
       FROM highway.task AS t
      WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_doomed) AND t.kind = 'workflow' AND t.state IN ('pending', 'sleeping', 'paused');
    WITH ended AS (
        UPDATE highway.task AS t
           SET state = p_outcome, finished_at = highway.now(), epoch = t.epoch + 1, error = highway.stop_error(p_outcome, p_reason)
         WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_doomed) AND t.state IN ('pending', 'sleeping', 'paused') AND t.phase = ''
        RETURNING t.task_id
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING ended AS e WHERE w.tenant_id = p_tenant AND w.task_id = e.task_id
    )
    SELECT array_agg(task_id) INTO v_ended FROM ended;
    IF v_ended IS NOT NULL THEN
        PERFORM highway.report_final(array_fill(p_tenant, ARRAY[cardinality(v_ended)]), v_ended);
        PERFORM highway.emit_completions(array_fill(p_tenant, ARRAY[cardinality(v_ended)]), v_ended);
    END IF;
    PERFORM highway.hint_about(array_fill(p_tenant, ARRAY[cardinality(v_doomed)]), v_doomed);
END
$$;

ALTER FUNCTION highway.cancel_tasks(p_tenant uuid, p_tasks uuid[], p_reason text, p_outcome text) OWNER TO highway_owner;

CREATE FUNCTION highway.change_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[], p_changes text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH told AS (
        UPDATE highway.named_lock AS n SET acquired_at = highway.now()
          FROM unnest(p_tenants, p_tasks, p_epochs, p_steps, p_changes) AS g (tenant_id, task_id, epoch, step_key, change)
          JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
         WHERE g.change = 'held' AND n.tenant_id = g.tenant_id AND n.task_id = g.task_id AND n.step_key = g.step_key
        RETURNING n.*
    ), stays_over AS (  -- durable code may let go of the lock long before the row of its wait goes
        UPDATE highway.wait AS w SET given = jsonb_build_object('fencing', h.ticket)
          FROM told AS h
         WHERE w.tenant_id = h.tenant_id AND w.task_id = h.task_id AND w.kind = 'lock' AND w.request ->> 'ticket' = h.step_key
    )
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    SELECT h.tenant_id, h.workflow_run_id, highway.now(), 'lock_acquired', h.scope, h.step_key,
           jsonb_build_object('lock_name', h.name, 'fencing', h.ticket,
                              'waited_ms', round(extract(epoch FROM h.acquired_at - h.requested_at) * 1000))
      FROM told AS h;
    DELETE FROM highway.named_lock AS n
     USING unnest(p_tenants, p_tasks, p_epochs, p_steps, p_names, p_changes) AS g (tenant_id, task_id, epoch, step_key, name, change)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
     WHERE n.tenant_id = g.tenant_id AND n.task_id = g.task_id
       AND (g.change = 'left' AND n.step_key = g.step_key
            OR g.change = 'released' AND n.name = g.name AND n.acquired_at IS NOT NULL);
END
$$;

ALTER FUNCTION highway.change_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[], p_changes text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.change_start(p_tenant uuid, p_run uuid, p_at timestamp with time zone, p_by text DEFAULT ''::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run := highway.hold_run(p_tenant, p_run);
    v_task highway.task;
    v_at timestamptz := greatest(p_at, highway.now());
BEGIN
    SELECT t.* INTO v_task FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
    IF NOT highway.is_open(v_run.status) OR v_run.started_at IS NOT NULL OR v_task.claimed_by IS NOT NULL
       OR EXISTS (SELECT FROM highway.task AS t  -- what a fork has taken over is at work
                   WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state) AND t.epoch > 0) THEN
        RAISE EXCEPTION 'workflow run % has already started', p_run USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_run AND w.kind = 'room') THEN
        RAISE EXCEPTION 'workflow run % starts when it is let in, at no time of its own', p_run USING ERRCODE = 'HW002';
    END IF;
    IF v_task.limited THEN
        PERFORM highway.leave_lines(p_tenant, p_run);
    END IF;
    PERFORM highway.plan_start(p_tenant, p_run, v_at), highway.note(p_tenant, p_run, 'start_changed', jsonb_build_object('by', p_by, 'at', v_at));
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.change_start(p_tenant uuid, p_run uuid, p_at timestamp with time zone, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.check_admission(p_tenant uuid, p_queue text, p_quantity integer DEFAULT 1) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.check_admission(p_tenant uuid, p_queue text, p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.claim_tasks(p_worker uuid, p_queues text[], p_quantity integer, p_from uuid, p_credit integer) RETURNS TABLE(tenant_id uuid, task_id uuid, workflow_run_id uuid, kind text, key text, path text[], queue text, attempt integer, rescues integer, epoch integer, cancel_requested boolean, context jsonb, parent_task_id uuid, completion_event text, phase text, error jsonb, turn_size integer, memory jsonb, definition_id uuid, definition_hash text, name text, inputs jsonb, created_at timestamp with time zone, cancel_reason text, cancel_outcome text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
DECLARE
    v_queues text[];
    v_tenants uuid[];
    v_sizes integer[];
    v_tasks uuid[];
    v_gated uuid[];  -- of the tasks, those that have gates to pass
    v_passed uuid[];
    v_last uuid;  -- the tenant of the last task that was looked at, where some went to sleep
BEGIN
    SELECT array_agg(p.queue), array_agg(p.tenant_id), array_agg(p.size) INTO v_queues, v_tenants, v_sizes
      FROM highway.places_in_turn(p_queues, p_quantity, p_from, p_credit) AS p;
    IF v_queues IS NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM highway.tenant_policy AS c WHERE c.max_running IS NOT NULL)
       OR EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.max_running IS NOT NULL) THEN
        SELECT array_agg(f.queue), array_agg(f.tenant_id), array_agg(f.size) INTO v_queues, v_tenants, v_sizes
          FROM highway.fit_claim(v_queues, v_tenants, v_sizes) AS f;
    END IF;
    SELECT array_agg(c.tenant_id), array_agg(c.task_id), array_agg(c.size), array_agg(c.task_id) FILTER (WHERE c.is_gated)
      INTO v_tenants, v_tasks, v_sizes, v_gated
      FROM (SELECT due.tenant_id, due.task_id, due.is_gated, f.size
              FROM unnest(v_queues, v_tenants, v_sizes) AS f (queue, tenant_id, size)
             CROSS JOIN LATERAL (
                   SELECT t.tenant_id, t.task_id, t.gate IS NOT NULL AND NOT t.cancel_requested AS is_gated FROM highway.task AS t
                    WHERE t.state = 'pending' AND t.queue = f.queue AND t.tenant_id = f.tenant_id
                    ORDER BY highway.turn_of(t.available_at, t.priority, t.lane_seconds)
                    LIMIT f.size
                      FOR UPDATE SKIP LOCKED) AS due
             LIMIT p_quantity) AS c;
    IF v_gated IS NOT NULL THEN
        v_passed := ARRAY(SELECT highway.pass_gates(
            ARRAY(SELECT c.tenant_id FROM unnest(v_tenants, v_tasks) AS c (tenant_id, task_id) WHERE c.task_id = ANY (v_gated)), v_gated));
        IF EXISTS (SELECT FROM unnest(v_tenants, v_tasks) AS c (tenant_id, task_id) JOIN highway.task AS t USING (tenant_id, task_id)
                    WHERE c.task_id = ANY (v_gated) AND t.state = 'sleeping') THEN
            v_last := v_tenants[cardinality(v_tenants)];
        END IF;
        SELECT array_agg(c.tenant_id), array_agg(c.task_id), array_agg(c.size) INTO v_tenants, v_tasks, v_sizes
          FROM unnest(v_tenants, v_tasks, v_sizes) AS c (tenant_id, task_id, size)
         WHERE c.task_id <> ALL (v_gated) OR c.task_id = ANY (v_passed);
    END IF;
    IF v_tasks IS NULL AND v_last IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH claimed AS (
        UPDATE highway.task AS t
           SET state = 'running', attempt = t.attempt + 1, epoch = t.epoch + 1, limited = t.limited OR t.gate IS NOT NULL, gate = NULL, lane_seconds = 0,
               claimed_by = p_worker, claimed_at = highway.now(), running_steps = NULL
          FROM unnest(v_tenants, v_tasks, v_sizes) WITH ORDINALITY AS c (tenant_id, task_id, size, n)
         WHERE t.tenant_id = c.tenant_id AND t.task_id = c.task_id
        RETURNING t.*, c.size AS turn_size, c.n
    )
    SELECT c.tenant_id, c.task_id, c.workflow_run_id, c.kind, c.key, c.path, c.queue, c.attempt, c.rescues, c.epoch, c.cancel_requested,
           c.context, c.parent_task_id, c.completion_event, c.phase, c.error, c.turn_size,
           -- For many it is cheaper to read all their rows at once, afterwards.
           CASE WHEN (c.attempt > 1 OR c.kind <> 'workflow') AND c.phase = '' AND cardinality(v_tasks) <= 4
                THEN highway.recall(c.tenant_id, c.workflow_run_id, c.task_id, c.key) END,
           r.definition_id, r.definition_hash, r.name, r.inputs, r.created_at, r.cancel_reason, r.cancel_outcome
      FROM claimed AS c
      JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
     ORDER BY c.n;
    IF v_last IS NOT NULL THEN
        tenant_id := v_last;
        RETURN NEXT;
    END IF;
END
$$;

ALTER FUNCTION highway.claim_tasks(p_worker uuid, p_queues text[], p_quantity integer, p_from uuid, p_credit integer) OWNER TO highway_owner;

CREATE FUNCTION highway.uuid7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

ALTER FUNCTION highway.uuid7() OWNER TO highway_owner;

CREATE TABLE highway.approval (
    tenant_id uuid NOT NULL,
    approval_id uuid DEFAULT highway.uuid7() NOT NULL,
    workflow_run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    key text,
    message text NOT NULL,
    data jsonb,
    stages jsonb NOT NULL,
    stage integer DEFAULT 0 NOT NULL,
    allow_self boolean DEFAULT false NOT NULL,
    on_expiry text DEFAULT 'fail'::text NOT NULL,
    requested_by text[] DEFAULT '{}'::text[] NOT NULL,
    requested_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    decided_by text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone,
    CONSTRAINT approval_check CHECK (((state = 'pending'::text) = (decided_at IS NULL))),
    CONSTRAINT approval_on_expiry_check CHECK ((on_expiry = ANY (ARRAY['fail'::text, 'approve'::text, 'reject'::text]))),
    CONSTRAINT approval_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'expired'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY highway.approval FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.approval OWNER TO highway_owner;

CREATE FUNCTION highway.close_approval(a highway.approval, p_state text, p_status text, p_by text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_votes jsonb := (SELECT coalesce(jsonb_agg(jsonb_build_object('stage', v.stage, 'by', v.person, 'vote', v.vote, 'comment', v.comment, 'at', v.at)
                                                ORDER BY v.stage, v.at, v.person), '[]')
                        FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id AND v.approval_id = a.approval_id);
BEGIN
    UPDATE highway.approval AS o SET state = p_state, decided_by = p_by, decided_at = highway.now()
     WHERE o.tenant_id = a.tenant_id AND o.approval_id = a.approval_id;
    UPDATE highway.wait AS w
       SET given = jsonb_build_object('approval_id', a.approval_id, 'status', p_status, 'approved', p_status = 'approved', 'approver', p_by,
                                      'expired', p_state = 'expired', 'timestamp', highway.now(), 'votes', v_votes)
     WHERE w.tenant_id = a.tenant_id AND w.task_id = a.task_id AND w.step_key = a.step_key AND w.kind = 'approval';
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (a.tenant_id, a.workflow_run_id, highway.now(), p_state, a.scope, a.step_key, jsonb_build_object('approval_id', a.approval_id, 'by', p_by));
    PERFORM highway.wake_tasks(ARRAY[a.tenant_id], ARRAY[a.task_id]);
END
$$;

ALTER FUNCTION highway.close_approval(a highway.approval, p_state text, p_status text, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.code_of_run(p_tenant uuid, p_run uuid, p_artifact text, p_module text, p_version integer) RETURNS TABLE(sha256 text, version integer, content bytea)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_reference text := CASE WHEN p_module IS NULL THEN 'artifact:' || p_artifact
                             ELSE 'module:' || p_module || coalesce('@' || p_version, '') END;
    v_module highway.code_module;
    v_chosen highway.run_code;
BEGIN
    SELECT * INTO v_chosen FROM highway.run_code AS c
     WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.reference = v_reference;
    IF NOT FOUND THEN
        v_module := highway.module_for(p_tenant, p_run, p_module, p_version);
        PERFORM FROM highway.artifact AS a
         WHERE a.tenant_id = p_tenant AND a.sha256 = coalesce(v_module.sha256, p_artifact) FOR KEY SHARE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO highway.run_code AS c (tenant_id, workflow_run_id, reference, sha256, version)
        VALUES (p_tenant, p_run, v_reference, coalesce(v_module.sha256, p_artifact), v_module.version)
        ON CONFLICT (tenant_id, workflow_run_id, reference) DO UPDATE SET reference = c.reference
        RETURNING * INTO v_chosen;
    END IF;
    RETURN QUERY SELECT a.sha256, v_chosen.version, a.content FROM highway.artifact AS a
                  WHERE a.tenant_id = p_tenant AND a.sha256 = v_chosen.sha256;
END
$$;

ALTER FUNCTION highway.code_of_run(p_tenant uuid, p_run uuid, p_artifact text, p_module text, p_version integer) OWNER TO highway_owner;

CREATE FUNCTION highway.collect_blobs(p_quantity integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_digests text[];
    v_gone integer;
BEGIN
    SELECT array_agg(c.tenant_id), array_agg(c.sha256) INTO v_tenants, v_digests FROM (
        SELECT b.tenant_id, b.sha256 FROM highway.blob AS b
         WHERE NOT EXISTS (SELECT FROM highway.blob_reference AS f WHERE f.tenant_id = b.tenant_id AND f.sha256 = b.sha256)
         LIMIT p_quantity FOR UPDATE OF b SKIP LOCKED) AS c;
    DELETE FROM highway.blob AS b USING unnest(v_tenants, v_digests) AS c (tenant_id, sha256)
     WHERE b.tenant_id = c.tenant_id AND b.sha256 = c.sha256
       AND NOT EXISTS (SELECT FROM highway.blob_reference AS f WHERE f.tenant_id = b.tenant_id AND f.sha256 = b.sha256);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    RETURN v_gone;
END
$$;

ALTER FUNCTION highway.collect_blobs(p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.continue_run(p_tenant uuid, p_task uuid, p_epoch integer, p_inputs jsonb) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_task highway.task;
    v_run highway.workflow_run;
    v_next uuid;
BEGIN
    SELECT t.* INTO v_task FROM highway.task AS t
     WHERE t.tenant_id = p_tenant AND t.task_id = p_task AND t.epoch = p_epoch AND t.claimed_by IS NOT NULL AND t.kind = 'workflow';
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF v_task.cancel_requested THEN
        PERFORM highway.finish_tasks(ARRAY[p_tenant], ARRAY[p_task], ARRAY[p_epoch], ARRAY['failed'], ARRAY[NULL], ARRAY[NULL]);
        RETURN NULL;
    END IF;
    UPDATE highway.task AS t SET parent_task_id = NULL, report_key = NULL WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    SELECT r.* INTO v_run FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_task.workflow_run_id;
    UPDATE highway.workflow_run AS r SET parent_run_id = NULL, parent_key = NULL
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_run.workflow_run_id;
    v_next := highway.submit_run(
        p_tenant, v_run.definition_id, p_inputs, v_run.queue, v_run.priority, p_tags => v_run.tags, p_attributes => v_run.attributes,
        -- What a schedule has started stays its run, so that its overlap policy sees the chain and not only the first one of it.
        p_trigger => CASE v_run.trigger WHEN 'schedule' THEN 'schedule' ELSE 'continue' END, p_triggered_by => v_run.triggered_by,
        p_parent_task => v_task.parent_task_id, p_parent_run => v_run.parent_run_id, p_parent_key => v_run.parent_key,
        p_limits => v_run.limits, p_partition_key => v_task.partition_key);
    UPDATE highway.workflow_run AS r
       SET continued_from = v_run.workflow_run_id, first_run_id = coalesce(v_run.first_run_id, v_run.workflow_run_id), started_by = v_run.started_by
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_next;
    IF v_run.singleton_key IS NOT NULL THEN  -- a chain is one run to whoever submits under its key
        PERFORM highway.stand_under(p_tenant, v_next, v_run.singleton_key);
    END IF;
    UPDATE highway.workflow_run AS r SET continued_to = v_next WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_run.workflow_run_id;
    IF v_run.paused_at IS NOT NULL AND v_run.paused_with IS NULL THEN
        PERFORM highway.apply_pause(p_tenant, v_next, v_run.paused_by, v_run.pause_reason);
    END IF;
    PERFORM highway.note(p_tenant, v_run.workflow_run_id, 'continued', jsonb_build_object('to', v_next));
    RETURN v_next;
END
$$;

ALTER FUNCTION highway.continue_run(p_tenant uuid, p_task uuid, p_epoch integer, p_inputs jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.copy_plans(p_tenant uuid, p_source uuid, p_run uuid) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO highway.activity (tenant_id, task_id, function, max_attempts, schedule_to_start_seconds, schedule_to_close_seconds, start_by, close_by,
                                  start_to_close_seconds, heartbeat_seconds, details)
    SELECT p_tenant, t.task_id, a.function, a.max_attempts, a.schedule_to_start_seconds, a.schedule_to_close_seconds,
           highway.now() + make_interval(secs => a.schedule_to_start_seconds), highway.now() + make_interval(secs => a.schedule_to_close_seconds),
           a.start_to_close_seconds, a.heartbeat_seconds, a.details
      FROM highway.task AS t
      JOIN highway.task AS o ON o.tenant_id = p_tenant AND o.workflow_run_id = p_source AND o.key = t.key
      JOIN highway.activity AS a ON a.tenant_id = p_tenant AND a.task_id = o.task_id
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.kind = 'activity'
$$;

ALTER FUNCTION highway.copy_plans(p_tenant uuid, p_source uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.count_call(p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text, p_outcome text, p_failure_threshold integer, p_success_threshold integer, p_isolation_seconds double precision, p_error jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now highway.breaker;
    v_state text;
    v_is_probe boolean;
BEGIN
    IF p_outcome = 'failed' THEN
        INSERT INTO highway.breaker (tenant_id, workflow_name, resource_key) VALUES (p_tenant, p_workflow, p_resource) ON CONFLICT DO NOTHING;
    END IF;
    SELECT b.* INTO v_now FROM highway.breaker AS b
     WHERE b.tenant_id = p_tenant AND b.workflow_name = p_workflow AND b.resource_key = p_resource FOR UPDATE;
    v_is_probe := v_now.probe_task_id = p_task AND v_now.probe_epoch = p_epoch AND v_now.probe_step = p_step;
    v_state := CASE
        WHEN v_is_probe AND p_outcome = 'failed' THEN 'open'
        WHEN v_is_probe AND p_outcome = 'succeeded' AND v_now.successes + 1 >= p_success_threshold THEN 'closed'
        WHEN v_now.state = 'closed' AND p_outcome = 'failed' AND v_now.consecutive_failures + 1 >= p_failure_threshold THEN 'open'
        ELSE v_now.state END;
    IF v_now.tenant_id IS NULL OR NOT (coalesce(v_is_probe, false) OR v_now.state = 'closed') THEN
        RETURN;
    END IF;
    UPDATE highway.breaker AS b
       SET state = v_state,
           consecutive_failures = CASE p_outcome WHEN 'failed' THEN b.consecutive_failures + 1
                                                 WHEN 'succeeded' THEN CASE v_state WHEN 'closed' THEN 0 ELSE b.consecutive_failures END
                                                 ELSE b.consecutive_failures END,
           successes = CASE WHEN v_state = 'half_open' AND p_outcome = 'succeeded' THEN b.successes + 1
                            WHEN v_state = 'half_open' THEN b.successes ELSE 0 END,
           open_until = CASE v_state WHEN 'open' THEN highway.now() + make_interval(secs => p_isolation_seconds) END,
           probe_task_id = NULL, probe_epoch = NULL, probe_step = NULL,
           last_error = CASE p_outcome WHEN 'failed' THEN p_error ELSE b.last_error END,
           last_failure_at = CASE p_outcome WHEN 'failed' THEN highway.now() ELSE b.last_failure_at END,
           changed_at = highway.now()
     WHERE b.tenant_id = p_tenant AND b.workflow_name = p_workflow AND b.resource_key = p_resource
       AND (p_outcome = 'failed' OR b.state <> 'closed' OR b.consecutive_failures > 0 AND p_outcome = 'succeeded');
    IF v_state <> v_now.state THEN
        PERFORM highway.tell_of_breaker(p_tenant, p_run, p_scope, p_step, CASE v_state WHEN 'open' THEN 'opened' ELSE v_state END,
                                        p_workflow, p_resource);
    END IF;
END
$$;

ALTER FUNCTION highway.count_call(p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text, p_outcome text, p_failure_threshold integer, p_success_threshold integer, p_isolation_seconds double precision, p_error jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.count_calls(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_workflows text[], p_resources text[], p_outcomes text[], p_failure_thresholds integer[], p_success_thresholds integer[], p_isolations double precision[], p_errors text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.count_call(
                c.tenant_id, c.workflow_name, c.resource_key, c.workflow_run_id, c.scope, c.task_id, c.epoch, c.step_key, c.outcome,
                c.failure_threshold, c.success_threshold, c.isolation, c.error::jsonb)
       FROM (SELECT g.*, t.workflow_run_id, t.key AS scope
               FROM unnest(p_tenants, p_tasks, p_epochs, p_steps, p_workflows, p_resources, p_outcomes, p_failure_thresholds,
                           p_success_thresholds, p_isolations, p_errors) WITH ORDINALITY
                    AS g (tenant_id, task_id, epoch, step_key, workflow_name, resource_key, outcome, failure_threshold, success_threshold,
                          isolation, error, n)
               JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
              WHERE 'failed' = ANY (p_outcomes) OR EXISTS (
                    SELECT FROM highway.breaker AS b
                     WHERE b.tenant_id = g.tenant_id AND b.workflow_name = g.workflow_name AND b.resource_key = g.resource_key
                       AND (b.state <> 'closed' OR b.consecutive_failures > 0))
              ORDER BY g.tenant_id, g.workflow_name, g.resource_key, g.n
             OFFSET 0) AS c;
END
$$;

ALTER FUNCTION highway.count_calls(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_workflows text[], p_resources text[], p_outcomes text[], p_failure_thresholds integer[], p_success_thresholds integer[], p_isolations double precision[], p_errors text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.count_table(p_table regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r') THEN
        EXECUTE format('ANALYZE %s', p_table);
    END IF;
END
$$;

ALTER FUNCTION highway.count_table(p_table regclass) OWNER TO highway_owner;

CREATE FUNCTION highway.count_up(p_measure text, p_by double precision) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO highway.health AS h (measure, value, at) VALUES (p_measure, p_by, highway.now())
    ON CONFLICT (measure) DO UPDATE SET value = h.value + excluded.value, at = excluded.at
$$;

ALTER FUNCTION highway.count_up(p_measure text, p_by double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.count_what_has_grown() RETURNS SETOF text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_few_pages constant integer := 8;  -- they do no harm, whatever the plan
    v_few_rows constant integer := 250;
    v_much constant integer := 4;
    v_table regclass;
    v_pages integer;
    v_is_settled boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('highway.count_what_has_grown', 7)) THEN
        RETURN;  -- another worker does it
    END IF;
    FOR v_table, v_pages IN
        SELECT c.oid::regclass, s.pages
          FROM pg_class AS c
         CROSS JOIN LATERAL (SELECT (pg_relation_size(c.oid) / current_setting('block_size')::integer)::integer AS pages) AS s
         WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') AND s.pages > v_few_pages
           AND (s.pages > v_much * c.relpages OR pg_stat_get_live_tuples(c.oid) > v_much * greatest(c.reltuples, v_few_rows))
    LOOP
        -- What is still being written cannot be counted: a table that was would be large and without rows, and not be counted again before it has grown
        -- to four times as much.
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE ctid >= %L::tid)', v_table, format('(%s,0)', v_pages - v_few_pages)) INTO v_is_settled;
        IF v_is_settled THEN
            PERFORM highway.count_table(v_table);
            RETURN NEXT v_table::text;
        END IF;
    END LOOP;
END
$$;

ALTER FUNCTION highway.count_what_has_grown() OWNER TO highway_owner;

CREATE FUNCTION highway.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('highway.tenant_id'::text, true), ''::text))::uuid;

ALTER FUNCTION highway.current_tenant() OWNER TO highway_owner;

CREATE FUNCTION highway.deadline_from(p_starts timestamp with time zone, p_deadline_seconds double precision) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN (p_starts + make_interval(secs => p_deadline_seconds));

ALTER FUNCTION highway.deadline_from(p_starts timestamp with time zone, p_deadline_seconds double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.decide_approval(p_tenant uuid, p_approval uuid, p_vote text, p_by text, p_names text[] DEFAULT '{}'::text[], p_comment text DEFAULT ''::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_asked highway.approval := highway.hold_approval(p_tenant, p_approval);
    v_said text := (SELECT v.vote FROM highway.approval_vote AS v WHERE v.tenant_id = p_tenant AND v.approval_id = p_approval AND v.person = p_by);
BEGIN
    IF v_said = p_vote AND v_asked.state IN ('pending', 'approved', 'rejected') THEN
        RETURN v_asked.state;
    ELSIF v_asked.state <> 'pending' THEN
        RAISE EXCEPTION 'it was already %', highway.fate_of(v_asked) USING ERRCODE = 'HW002';
    ELSIF v_asked.expires_at <= highway.now() THEN
        RAISE EXCEPTION 'it has expired at %', to_char(v_asked.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') USING ERRCODE = 'HW002';
    ELSIF v_said IS NOT NULL THEN
        RAISE EXCEPTION '% has already spoken: %', p_by, v_said USING ERRCODE = 'HW002';
    END IF;
    IF highway.why_no_say(v_asked, p_by, p_names) IS NOT NULL THEN
        RAISE EXCEPTION '%', highway.why_no_say(v_asked, p_by, p_names) USING ERRCODE = 'HW005';
    END IF;
    INSERT INTO highway.approval_vote (tenant_id, approval_id, stage, person, vote, comment, at)
    VALUES (p_tenant, p_approval, v_asked.stage, p_by, p_vote, p_comment, highway.now());
    IF p_vote = 'reject' THEN
        PERFORM highway.close_approval(v_asked, 'rejected', 'rejected', p_by);
        RETURN 'rejected';
    ELSIF (SELECT count(*) FROM highway.approval_vote AS v
            WHERE v.tenant_id = p_tenant AND v.approval_id = p_approval AND v.stage = v_asked.stage)
          < (v_asked.stages -> v_asked.stage ->> 'quorum')::integer THEN
        RETURN 'pending';
    ELSIF v_asked.stage + 1 < jsonb_array_length(v_asked.stages) THEN
        UPDATE highway.approval AS a SET stage = a.stage + 1 WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval;
        RETURN 'pending';
    END IF;
    PERFORM highway.close_approval(v_asked, 'approved', 'approved', p_by);
    RETURN 'approved';
END
$$;

ALTER FUNCTION highway.decide_approval(p_tenant uuid, p_approval uuid, p_vote text, p_by text, p_names text[], p_comment text) OWNER TO highway_owner;

CREATE FUNCTION highway.decide_by_token(p_tenant uuid, p_digest text, p_vote text, p_comment text DEFAULT ''::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_token highway.approval_token;
    v_state text;
BEGIN
    SELECT * INTO v_token FROM highway.approval_token AS k WHERE k.tenant_id = p_tenant AND k.digest = p_digest;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such link' USING ERRCODE = 'HW001';
    END IF;
    v_state := highway.decide_approval(p_tenant, v_token.approval_id, p_vote, v_token.person, v_token.names, p_comment);
    -- The question is held by now, so of two who use a link at once the second sees that it was used.
    UPDATE highway.approval_token AS k SET used_at = highway.now() WHERE k.tenant_id = p_tenant AND k.digest = p_digest AND k.used_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this link was used before' USING ERRCODE = 'HW002';
    END IF;
    RETURN v_state;
END
$$;

ALTER FUNCTION highway.decide_by_token(p_tenant uuid, p_digest text, p_vote text, p_comment text) OWNER TO highway_owner;

CREATE FUNCTION highway.delete_artifact(p_tenant uuid, p_sha256 text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_module highway.code_module;
    v_run uuid;
BEGIN
    PERFORM FROM highway.artifact AS a WHERE a.tenant_id = p_tenant AND a.sha256 = p_sha256 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no artifact %', p_sha256 USING ERRCODE = 'HW001';
    END IF;
    SELECT * INTO v_module FROM highway.code_module AS m WHERE m.tenant_id = p_tenant AND m.sha256 = p_sha256 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'it is version % of the module %', v_module.version, v_module.name USING ERRCODE = 'HW002';
    END IF;
    SELECT c.workflow_run_id INTO v_run
      FROM highway.run_code AS c JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
     WHERE c.tenant_id = p_tenant AND c.sha256 = p_sha256 AND highway.is_open(r.status) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'workflow run % uses it and is not over', v_run USING ERRCODE = 'HW002';
    END IF;
    DELETE FROM highway.artifact AS a WHERE a.tenant_id = p_tenant AND a.sha256 = p_sha256;
END
$$;

ALTER FUNCTION highway.delete_artifact(p_tenant uuid, p_sha256 text) OWNER TO highway_owner;

CREATE FUNCTION highway.derive_run_status() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.workflow_run AS r
       SET status = n.state,
           error = n.error,
           started_at = CASE WHEN n.state = 'running' THEN coalesce(r.started_at, highway.now()) ELSE r.started_at END,
           finished_at = n.finished_at,
           -- A pause ends with the run.
           paused_at = CASE WHEN n.finished_at IS NULL THEN r.paused_at END,
           paused_by = CASE WHEN n.finished_at IS NULL THEN r.paused_by END,
           pause_reason = CASE WHEN n.finished_at IS NULL THEN r.pause_reason END,
           paused_with = CASE WHEN n.finished_at IS NULL THEN r.paused_with END
      FROM changed AS n
     WHERE n.kind = 'workflow' AND r.tenant_id = n.tenant_id AND r.workflow_run_id = n.workflow_run_id AND r.status <> n.state;
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.derive_run_status() OWNER TO highway_owner;

CREATE FUNCTION highway.drop_tickets_of_ended_task() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM highway.named_lock AS n WHERE n.tenant_id = NEW.tenant_id AND n.task_id = NEW.task_id;
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.drop_tickets_of_ended_task() OWNER TO highway_owner;

CREATE FUNCTION highway.emit_completions(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_runs uuid[];
    v_names text[];
BEGIN
    WITH emitted AS (
        INSERT INTO highway.event (tenant_id, workflow_run_id, name, payload, emitted_by, at)
        SELECT t.tenant_id, t.workflow_run_id, t.completion_event,
               jsonb_build_object('status', t.state, 'result', t.result, 'error', t.error), t.key, highway.now()
          FROM unnest(p_tenants, p_tasks) AS e (tenant_id, task_id)
          JOIN highway.task AS t USING (tenant_id, task_id)
         WHERE t.completion_event IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING tenant_id, workflow_run_id, name
    )
    SELECT array_agg(tenant_id), array_agg(workflow_run_id), array_agg(name) INTO v_tenants, v_runs, v_names FROM emitted;
    IF v_runs IS NOT NULL THEN
        PERFORM highway.wake_event_waiters(v_tenants, v_runs, v_names);
    END IF;
END
$$;

ALTER FUNCTION highway.emit_completions(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.emit_event(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL::jsonb, p_by text DEFAULT ''::text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.hold_for_news(p_tenant, p_run);
    INSERT INTO highway.event (tenant_id, workflow_run_id, name, payload, emitted_by, at)
    VALUES (p_tenant, p_run, p_name, p_payload, p_by, highway.now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM highway.wake_event_waiters(ARRAY[p_tenant], ARRAY[p_run], ARRAY[p_name]);
    RETURN true;
END
$$;

ALTER FUNCTION highway.emit_event(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.end_of_chain(p_tenant uuid, p_first uuid) RETURNS TABLE(status text, error jsonb, started_at timestamp with time zone, finished_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1
    BEGIN ATOMIC
 SELECT l.status,
     l.error,
     l.started_at,
     l.finished_at
    FROM (( SELECT r.tenant_id,
             r.workflow_run_id,
             r.definition_id,
             r.definition_hash,
             r.name,
             r.version,
             r.status,
             r.queue,
             r.priority,
             r.inputs,
             r.error,
             r.trigger,
             r.triggered_by,
             r.tags,
             r.attributes,
             r.parent_run_id,
             r.parent_key,
             r.retry_of,
             r.created_at,
             r.started_at,
             r.finished_at,
             r.deadline_at,
             r.deadline_action,
             r.cancel_requested_at,
             r.cancel_reason,
             r.cancel_outcome,
             r.paused_at,
             r.paused_by,
             r.pause_reason,
             r.paused_with,
             r.fork_of,
             r.fork_step,
             r.continued_from,
             r.continued_to,
             r.first_run_id
            FROM highway.workflow_run r
           WHERE ((r.tenant_id = end_of_chain.p_tenant) AND (r.first_run_id = end_of_chain.p_first))
           ORDER BY r.workflow_run_id DESC
          LIMIT 1)
         UNION ALL
          SELECT r.tenant_id,
             r.workflow_run_id,
             r.definition_id,
             r.definition_hash,
             r.name,
             r.version,
             r.status,
             r.queue,
             r.priority,
             r.inputs,
             r.error,
             r.trigger,
             r.triggered_by,
             r.tags,
             r.attributes,
             r.parent_run_id,
             r.parent_key,
             r.retry_of,
             r.created_at,
             r.started_at,
             r.finished_at,
             r.deadline_at,
             r.deadline_action,
             r.cancel_requested_at,
             r.cancel_reason,
             r.cancel_outcome,
             r.paused_at,
             r.paused_by,
             r.pause_reason,
             r.paused_with,
             r.fork_of,
             r.fork_step,
             r.continued_from,
             r.continued_to,
             r.first_run_id
            FROM highway.workflow_run r
           WHERE ((r.tenant_id = end_of_chain.p_tenant) AND (r.workflow_run_id = end_of_chain.p_first))) l
  LIMIT 1;
END;

ALTER FUNCTION highway.end_of_chain(p_tenant uuid, p_first uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.exhausted_steps(p_tenant uuid, p_run uuid) RETURNS TABLE(path text, task_id uuid, scope text, step_key text, attempt integer, error jsonb, request jsonb)
    LANGUAGE sql STABLE
    AS $$
    SELECT highway.step_path(t.key, w.step_key), w.task_id, t.key, w.step_key, w.attempt, w.error, w.request
      FROM highway.task AS t
      JOIN highway.wait AS w ON w.tenant_id = t.tenant_id AND w.task_id = t.task_id
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND w.kind = 'person'
       AND w.request ->> 'kind' = 'exhausted' AND w.given IS NULL
     ORDER BY w.created_at, w.step_key
$$;

ALTER FUNCTION highway.exhausted_steps(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.expire_activity(p_tenant uuid, p_task uuid) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_task highway.task;
    v_activity highway.activity;
    v_limit text;
BEGIN
    PERFORM highway.lock_open_tasks(p_tenant, t.workflow_run_id)
       FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    -- Read under the locks: a claim, a completion or a cancel that came first has changed what there is to decide.
    SELECT t.* INTO v_task FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    SELECT a.* INTO v_activity FROM highway.activity AS a WHERE a.tenant_id = p_tenant AND a.task_id = p_task;
    IF highway.is_open(v_task.state) THEN
        v_limit := CASE
            WHEN v_activity.close_by <= highway.now() THEN 'ScheduleToClose'
            WHEN v_activity.start_by <= highway.now() AND v_task.state IN ('pending', 'sleeping')
                 AND highway.is_unstarted(v_task, v_activity) THEN 'ScheduleToStart' END;
    END IF;
    IF v_limit IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE highway.task AS t
       SET state = CASE WHEN t.cancel_requested THEN 'cancelled' ELSE 'failed' END,
           error = CASE WHEN t.cancel_requested THEN highway.stop_reason(t) ELSE highway.limit_error(v_limit) END,
           finished_at = highway.now(), epoch = t.epoch + 1, claimed_by = NULL, running_steps = NULL
     WHERE t.tenant_id = p_tenant AND t.task_id = p_task;
    DELETE FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_task;
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, data)
    VALUES (p_tenant, v_task.workflow_run_id, highway.now(), 'activity_timed_out', v_task.key, jsonb_build_object('limit', v_limit));
    PERFORM highway.report_final(ARRAY[p_tenant], ARRAY[p_task]);
    PERFORM highway.emit_completions(ARRAY[p_tenant], ARRAY[p_task]);
    RETURN v_limit;
END
$$;

ALTER FUNCTION highway.expire_activity(p_tenant uuid, p_task uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.expire_approval(p_tenant uuid, p_approval uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_asked highway.approval;
BEGIN
    PERFORM FROM highway.task AS t
      WHERE t.tenant_id = p_tenant
        AND t.task_id = (SELECT a.task_id FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval)
        FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_asked := highway.hold_approval(p_tenant, p_approval);
    IF v_asked.state <> 'pending' OR v_asked.expires_at > highway.now() THEN
        RETURN false;
    END IF;
    PERFORM highway.close_approval(v_asked, 'expired', CASE v_asked.on_expiry WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'expired' END, '');
    RETURN true;
END
$$;

ALTER FUNCTION highway.expire_approval(p_tenant uuid, p_approval uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.fate_of(a highway.approval) RETURNS text
    LANGUAGE sql STABLE
    RETURN (((a).state || COALESCE((' by '::text || NULLIF((a).decided_by, ''::text)), ''::text)) || to_char(((a).decided_at AT TIME ZONE 'UTC'::text), '" at "YYYY-MM-DD HH24:MI "UTC"'::text));

ALTER FUNCTION highway.fate_of(a highway.approval) OWNER TO highway_owner;

CREATE FUNCTION highway.finish_tasks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_states text[], p_results text[], p_errors text[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
    v_cleanup record;
    v_fails boolean := 'completed' <> ANY (p_states);
    v_reports boolean;
    v_announces boolean;
BEGIN
    IF v_fails THEN
        PERFORM highway.turn_to_undoing(array_agg(t.tenant_id), array_agg(t.task_id), array_agg(
                    CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_reason(t) ELSE g.error::jsonb END))
           FROM unnest(p_tenants, p_tasks, p_epochs, p_states, p_errors) AS g (tenant_id, task_id, epoch, state, error)
           JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
          WHERE g.state <> 'completed' AND t.kind = 'workflow' AND t.phase = '';
    END IF;
    WITH ended AS (
        UPDATE highway.task AS t
           SET state = CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_outcome(t) ELSE g.state END,
               error = CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_reason(t) ELSE g.error::jsonb END,
               result = g.result::jsonb, finished_at = highway.now(), claimed_by = NULL, running_steps = NULL
          FROM unnest(p_tenants, p_tasks, p_epochs, p_states, p_results, p_errors) AS g (tenant_id, task_id, epoch, state, result, error)
         WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
        RETURNING t.tenant_id, t.task_id, t.parent_task_id, t.completion_event
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING ended AS e WHERE w.tenant_id = e.tenant_id AND w.task_id = e.task_id
    )
    SELECT array_agg(e.tenant_id), array_agg(e.task_id), bool_or(e.parent_task_id IS NOT NULL), bool_or(e.completion_event IS NOT NULL)
      INTO v_tenants, v_tasks, v_reports, v_announces
      FROM ended AS e;
    IF v_tasks IS NULL THEN
        RETURN;
    END IF;
    IF v_fails THEN
        FOR v_cleanup IN
            SELECT o.tenant_id, array_agg(o.task_id) AS task_ids
              FROM unnest(v_tenants, v_tasks) AS e (tenant_id, task_id)
              JOIN highway.task AS t USING (tenant_id, task_id)
              JOIN highway.task AS o ON o.tenant_id = t.tenant_id AND o.parent_task_id = t.task_id AND o.kind <> 'workflow'
             WHERE t.state IN ('failed', 'cancelled', 'compensated')
             GROUP BY o.tenant_id
        LOOP
            PERFORM highway.cancel_tasks(v_cleanup.tenant_id, v_cleanup.task_ids, 'the run has ended');
        END LOOP;
    END IF;
    IF v_reports THEN
        PERFORM highway.report_final(v_tenants, v_tasks);
    END IF;
    IF v_announces THEN
        PERFORM highway.emit_completions(v_tenants, v_tasks);
    END IF;
    RETURN QUERY SELECT unnest(v_tasks);
END
$$;

ALTER FUNCTION highway.finish_tasks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_states text[], p_results text[], p_errors text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.fire_tick(p_tenant uuid, p_schedule uuid, p_tick timestamp with time zone, p_kind text, p_definition uuid, p_inputs jsonb, p_by text DEFAULT ''::text, p_reason text DEFAULT ''::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.fire_tick(p_tenant uuid, p_schedule uuid, p_tick timestamp with time zone, p_kind text, p_definition uuid, p_inputs jsonb, p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.fit_claim(p_queues text[], p_tenants uuid[], p_sizes integer[]) RETURNS TABLE(queue text, tenant_id uuid, size integer)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.fit_claim(p_queues text[], p_tenants uuid[], p_sizes integer[]) OWNER TO highway_owner;

CREATE FUNCTION highway.follow_limited_task() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.follow_limited_task() OWNER TO highway_owner;

CREATE FUNCTION highway.forget_limits(p_after_tenant uuid, p_after_kind text, p_after_key text, p_idle_seconds double precision, p_quantity integer) RETURNS TABLE(tenant_id uuid, kind text, key text, gone integer)
    LANGUAGE plpgsql ROWS 1
    AS $$
#variable_conflict use_column
DECLARE
    v_idle interval := make_interval(secs => p_idle_seconds);
    v_tenants uuid[];
    v_kinds text[];
    v_keys text[];
    v_held_tenants uuid[];
    v_held_kinds text[];
    v_held_keys text[];
    v_gone integer;
BEGIN
    SELECT array_agg(o.tenant_id), array_agg(o.kind), array_agg(o.key) INTO v_tenants, v_kinds, v_keys
      FROM (SELECT l.tenant_id, l.kind, l.key FROM highway.flow_limit AS l
             WHERE (l.tenant_id, l.kind, l.key) > (p_after_tenant, p_after_kind, p_after_key)
             ORDER BY l.tenant_id, l.kind, l.key LIMIT p_quantity) AS o;
    SELECT array_agg(u.tenant_id), array_agg(u.kind), array_agg(u.key) INTO v_held_tenants, v_held_kinds, v_held_keys
      FROM (SELECT l.tenant_id, l.kind, l.key FROM unnest(v_tenants, v_kinds, v_keys) AS g (tenant_id, kind, key)
              JOIN highway.flow_limit AS l USING (tenant_id, kind, key)
             WHERE highway.is_unused(l, v_idle)
               FOR UPDATE OF l SKIP LOCKED) AS u;
    -- A statement of its own: it sees slots that were taken before the locks came.
    DELETE FROM highway.flow_limit AS l USING unnest(v_held_tenants, v_held_kinds, v_held_keys) AS h (tenant_id, kind, key)
     WHERE l.tenant_id = h.tenant_id AND l.kind = h.kind AND l.key = h.key AND highway.is_unused(l, v_idle);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    IF v_tenants IS NOT NULL THEN
        RETURN QUERY SELECT v_tenants[cardinality(v_tenants)], v_kinds[cardinality(v_kinds)], v_keys[cardinality(v_keys)], v_gone;
    END IF;
END
$$;

ALTER FUNCTION highway.forget_limits(p_after_tenant uuid, p_after_kind text, p_after_key text, p_idle_seconds double precision, p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.forget_old_runs(p_tenant uuid, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_completed timestamptz;
    v_failed timestamptz;
    v_runs uuid[];
BEGIN
    SELECT highway.now() - make_interval(days => k.keep_completed_days), highway.now() - make_interval(days => k.keep_failed_days)
      INTO v_completed, v_failed FROM highway.keeps(p_tenant) AS k;
    v_runs := ARRAY(
        (SELECT r.workflow_run_id FROM highway.workflow_run AS r
          WHERE r.tenant_id = p_tenant AND (r.status = 'completed') AND r.finished_at < v_completed
            AND highway.is_forgettable(r, v_completed, v_failed)
          ORDER BY r.finished_at LIMIT p_quantity)
         UNION ALL
        (SELECT r.workflow_run_id FROM highway.workflow_run AS r
          WHERE r.tenant_id = p_tenant AND (r.status = 'completed') IS FALSE AND r.finished_at < v_failed
            AND highway.is_forgettable(r, v_completed, v_failed)
          ORDER BY r.finished_at LIMIT p_quantity)
         LIMIT p_quantity);
    v_runs := ARRAY(
        SELECT t.task_id FROM highway.task AS t
         WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_runs) ORDER BY t.task_id FOR UPDATE SKIP LOCKED);
    v_runs := ARRAY(
        SELECT r.workflow_run_id FROM highway.workflow_run AS r
         WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_runs)
         ORDER BY r.workflow_run_id FOR UPDATE SKIP LOCKED);
    v_runs := ARRAY(
        SELECT r.workflow_run_id FROM highway.workflow_run AS r
         WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_runs) AND highway.is_forgettable(r, v_completed, v_failed));
    RETURN CASE WHEN cardinality(v_runs) = 0 THEN 0 ELSE highway.forget_runs(p_tenant, v_runs) END;
END
$$;

ALTER FUNCTION highway.forget_old_runs(p_tenant uuid, p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.forget_runs(p_tenant uuid, p_runs uuid[]) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
DECLARE
    v_table regclass;
BEGIN
    PERFORM highway.let_children_go(p_tenant, p_runs);
    DELETE FROM highway.wait AS w USING highway.task AS t  -- by the tasks: there is no index by the run
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (p_runs) AND w.tenant_id = t.tenant_id AND w.task_id = t.task_id;
    DELETE FROM highway.slot AS s USING highway.task AS t
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (p_runs) AND s.tenant_id = t.tenant_id AND s.task_id = t.task_id;
    DELETE FROM highway.named_lock AS n WHERE n.tenant_id = p_tenant AND n.workflow_run_id = ANY (p_runs);  -- writes to the journal
    FOR v_table IN
        SELECT c.oid::regclass FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'workflow_run_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname <> ALL (ARRAY['wait', 'slot', 'task', 'workflow_run', 'idempotency', 'schedule_tick'])
         ORDER BY c.relname
    LOOP
        EXECUTE format('DELETE FROM %s WHERE tenant_id = $1 AND workflow_run_id = ANY ($2)', v_table) USING p_tenant, p_runs;
    END LOOP;
    DELETE FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (p_runs);
    DELETE FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (p_runs);
    RETURN cardinality(p_runs);
END
$_$;

ALTER FUNCTION highway.forget_runs(p_tenant uuid, p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.forget_ticks(p_tenant uuid, p_schedule uuid, p_most integer, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_kept_from timestamptz;
    v_most_from timestamptz;
    v_gone integer;
    v_to timestamptz;
BEGIN
    PERFORM FROM highway.schedule AS s
      WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT CASE WHEN k.keep_completed_days IS NOT NULL AND k.keep_failed_days IS NOT NULL
                THEN highway.now() - make_interval(days => greatest(k.keep_completed_days, k.keep_failed_days)) END
      INTO v_kept_from FROM highway.keeps(p_tenant) AS k;
    v_most_from := (SELECT t.tick_at FROM highway.schedule_tick AS t
                     WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule ORDER BY t.tick_at DESC OFFSET p_most LIMIT 1);
    WITH old AS (
        SELECT t.tick_at FROM highway.schedule_tick AS t
         WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule AND t.outcome <> 'waiting'
           AND t.tick_at <= greatest(v_kept_from, v_most_from)
           AND (t.tick_at <= v_most_from OR NOT EXISTS (
                SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id))
         ORDER BY t.tick_at LIMIT p_quantity
    ), gone AS (
        DELETE FROM highway.schedule_tick AS t USING old AS o
         WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule AND t.tick_at = o.tick_at
        RETURNING t.tick_at
    )
    SELECT count(*)::integer, max(g.tick_at) INTO v_gone, v_to FROM gone AS g;
    IF v_gone > 0 THEN
        UPDATE highway.schedule AS s SET forgotten_to = greatest(s.forgotten_to, v_to)
         WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule;
    END IF;
    DELETE FROM highway.schedule AS s
     WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule AND s.state = 'deleted' AND s.updated_at < v_kept_from
       AND NOT EXISTS (SELECT FROM highway.schedule_tick AS t WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule);
    RETURN v_gone;
END
$$;

ALTER FUNCTION highway.forget_ticks(p_tenant uuid, p_schedule uuid, p_most integer, p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.forget_workers(p_worker uuid DEFAULT NULL::uuid, p_silent_seconds double precision DEFAULT 'Infinity'::double precision) RETURNS TABLE(worker_id uuid, name text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM highway.worker AS w
     WHERE w.worker_id IN (
           SELECT d.worker_id FROM highway.worker AS d
            WHERE (p_worker IS NULL OR d.worker_id = p_worker)
              AND (NOT highway.lock_is_held(d.lock_key) OR d.lease_expires_at < highway.now()
                   OR extract(epoch FROM highway.now() - d.last_seen_at) > p_silent_seconds)
              FOR UPDATE SKIP LOCKED)
    RETURNING w.worker_id, w.name
$$;

ALTER FUNCTION highway.forget_workers(p_worker uuid, p_silent_seconds double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.fork_run(p_tenant uuid, p_source uuid, p_step text, p_inputs jsonb, p_by text, p_scopes text[], p_keys text[], p_tasks text[], p_ended boolean[], p_before timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_source highway.workflow_run := highway.hold_run(p_tenant, p_source);
    v_run uuid;
    v_undone text := highway.undone_among(p_tenant, p_source, p_scopes, p_keys);
BEGIN
    IF v_undone IS NOT NULL THEN
        RAISE EXCEPTION 'workflow run % has undone, or is about to undo, what it did in %: fork it from there or from before', p_source, v_undone
              USING ERRCODE = 'HW002';
    END IF;
    v_run := highway.submit_run(p_tenant, v_source.definition_id, coalesce(p_inputs, v_source.inputs), v_source.queue, v_source.priority,
                                p_tags => v_source.tags, p_attributes => v_source.attributes, p_trigger => 'fork', p_triggered_by => p_by,
                                p_limits => v_source.limits, p_partition_key => highway.partition_of(p_tenant, p_source));
    UPDATE highway.workflow_run AS r SET fork_of = p_source, fork_step = p_step WHERE r.tenant_id = p_tenant AND r.workflow_run_id = v_run;
    PERFORM highway.stand_under_again(p_tenant, v_run, p_source);
    -- It counts as claimed before, so that whoever claims it loads the history.
    UPDATE highway.task AS t SET attempt = 1 WHERE t.tenant_id = p_tenant AND t.task_id = v_run;
    WITH copied AS MATERIALIZED (
        SELECT t.*, g.ended, highway.uuid7() AS new_id
          FROM unnest(p_tasks, p_ended) AS g (key, ended)
          JOIN highway.task AS t ON t.tenant_id = p_tenant AND t.workflow_run_id = p_source AND t.key = g.key
    )
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, key, path, state, queue, priority, available_at, attempt, context,
                              parent_task_id, report_key, completion_event, result, error, finished_at)
    SELECT p_tenant, c.new_id, v_run, c.kind, c.key, c.path, CASE WHEN c.ended THEN c.state ELSE 'pending' END, c.queue, c.priority, highway.now(), 1,
           c.context, coalesce(p.new_id, v_run), c.report_key, c.completion_event,
           CASE WHEN c.ended THEN c.result END, CASE WHEN c.ended THEN c.error END, CASE WHEN c.ended THEN c.finished_at END
      FROM copied AS c
      LEFT JOIN copied AS p ON p.task_id = c.parent_task_id;
    PERFORM highway.copy_plans(p_tenant, p_source, v_run), highway.hold_back(p_tenant, v_run);
    -- What stands apart from the rows that are copied has to outlive the source.
    INSERT INTO highway.blob_reference (tenant_id, workflow_run_id, sha256)
    SELECT p_tenant, v_run, f.sha256 FROM highway.blob_reference AS f WHERE f.tenant_id = p_tenant AND f.workflow_run_id = p_source
    ON CONFLICT DO NOTHING;
    INSERT INTO highway.checkpoint (tenant_id, workflow_run_id, scope, step_key, operator, outcome, attempt, started_at, finished_at, worker_id,
                                    reason, input, result, error, variables)
    SELECT p_tenant, v_run, k.scope, k.step_key, k.operator, k.outcome, k.attempt, k.started_at, k.finished_at, k.worker_id,
           k.reason, k.input, k.result, k.error, k.variables
      FROM (SELECT k.* FROM unnest(p_scopes, p_keys) AS g (scope, step_key)
              JOIN highway.checkpoint AS k ON k.tenant_id = p_tenant AND k.workflow_run_id = p_source
                                          AND k.scope = g.scope AND k.step_key = g.step_key
             ORDER BY k.seq) AS k;
    INSERT INTO highway.variable (tenant_id, workflow_run_id, scope, name, value, version)
    SELECT p_tenant, v_run, v.scope, v.name, v.value, v.version FROM highway.variable AS v
     WHERE v.tenant_id = p_tenant AND v.workflow_run_id = p_source AND v.scope = ANY (p_tasks)
     UNION ALL
    SELECT p_tenant, v_run, '', s.key, (array_agg(s.value ORDER BY k.seq DESC))[1], count(*)
      FROM highway.checkpoint AS k
     CROSS JOIN LATERAL jsonb_each(k.variables) AS s
     WHERE k.tenant_id = p_tenant AND k.workflow_run_id = v_run AND k.scope = '' AND k.variables IS NOT NULL
     GROUP BY s.key;
    INSERT INTO highway.event (tenant_id, workflow_run_id, name, at, emitted_by, payload)
    SELECT p_tenant, v_run, e.name, e.at, e.emitted_by, e.payload FROM highway.event AS e
     WHERE e.tenant_id = p_tenant AND e.workflow_run_id = p_source
       AND CASE WHEN EXISTS (SELECT FROM highway.checkpoint AS k
                              WHERE k.tenant_id = p_tenant AND k.workflow_run_id = p_source AND e.emitted_by = highway.step_path(k.scope, k.step_key))
                THEN EXISTS (SELECT FROM highway.checkpoint AS k
                              WHERE k.tenant_id = p_tenant AND k.workflow_run_id = v_run AND e.emitted_by = highway.step_path(k.scope, k.step_key))
                ELSE e.at <= p_before END
       AND NOT EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = v_run
                          AND t.completion_event = e.name AND highway.is_open(t.state))
     ORDER BY e.seq;
    -- What a step has taken that is kept stays taken, and what a loop has noted of a signal that is kept; what was taken by the others is there again.
    INSERT INTO highway.signal (tenant_id, workflow_run_id, name, payload, at, sent_by, taken_by, taken_at)
    SELECT p_tenant, v_run, s.name, s.payload, s.at, s.sent_by, k.taken_by, CASE WHEN k.taken_by IS NOT NULL THEN s.taken_at END
      FROM highway.signal AS s
      LEFT JOIN LATERAL (SELECT s.taken_by FROM highway.checkpoint AS o
                          WHERE o.tenant_id = p_tenant AND o.workflow_run_id = v_run
                            AND (s.taken_by = highway.step_path(o.scope, o.step_key)
                                 OR starts_with(highway.step_path(o.scope, o.step_key), s.taken_by || '[]@') AND o.input -> 'seq' = to_jsonb(s.seq))
                          LIMIT 1) AS k ON true
     WHERE s.tenant_id = p_tenant AND s.workflow_run_id = p_source AND s.at <= p_before ORDER BY s.seq;
    PERFORM highway.note(p_tenant, v_run, 'forked', jsonb_build_object('by', p_by, 'of', p_source, 'step', p_step)),
            highway.note(p_tenant, p_source, 'forked_as', jsonb_build_object('by', p_by, 'workflow_run_id', v_run, 'step', p_step));
    RETURN v_run;
END
$$;

ALTER FUNCTION highway.fork_run(p_tenant uuid, p_source uuid, p_step text, p_inputs jsonb, p_by text, p_scopes text[], p_keys text[], p_tasks text[], p_ended boolean[], p_before timestamp with time zone) OWNER TO highway_owner;

CREATE FUNCTION highway.free_slots(p_tenant uuid, p_task uuid, p_steps text[] DEFAULT NULL::text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.free_slots(p_tenant uuid, p_task uuid, p_steps text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.limit_figure(p_kind text, p_limit numeric, p_per_seconds double precision) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    v_limit integer := least(coalesce(p_limit, 1), 2000000000)::integer;
BEGIN
    IF p_kind NOT IN ('concurrency', 'rate') OR v_limit < 1 OR (p_kind = 'rate' AND (v_limit > 1000 OR coalesce(p_per_seconds, 0) <= 0)) THEN
        RAISE EXCEPTION 'a limit cannot be kept: % of % in % s', p_kind, v_limit, coalesce(p_per_seconds::text, 'no') USING ERRCODE = 'HW003';
    END IF;
    RETURN v_limit;
END
$$;

ALTER FUNCTION highway.limit_figure(p_kind text, p_limit numeric, p_per_seconds double precision) OWNER TO highway_owner;

CREATE FUNCTION highway.limit_key(p_template text, p_inputs jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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

ALTER FUNCTION highway.limit_key(p_template text, p_inputs jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.gate_of(p_limits jsonb, p_name text, p_inputs jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT jsonb_agg(to_jsonb(u.*) ORDER BY u.kind, u.key) AS jsonb_agg FROM (SELECT DISTINCT ON (k.kind, k.key) k.kind, k.key, highway.limit_figure(k.kind, k."limit", k.per_seconds) AS "limit", k.per_seconds FROM (SELECT CASE l.kind WHEN 'throttle'::text THEN 'rate'::text ELSE l.kind END AS kind, highway.limit_key(COALESCE(l.key, ('workflow:'::text || gate_of.p_name)), gate_of.p_inputs) AS key, CASE l.kind WHEN 'throttle'::text THEN (1)::numeric ELSE l."limit" END AS "limit", l.per_seconds FROM jsonb_to_recordset(gate_of.p_limits) l(kind text, key text, "limit" numeric, per_seconds double precision)) k ORDER BY k.kind, k.key, COALESCE(k."limit", (1)::numeric)) u);

ALTER FUNCTION highway.gate_of(p_limits jsonb, p_name text, p_inputs jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.limits_of(p_definition jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT jsonb_agg(l.value) AS jsonb_agg FROM (SELECT e.value FROM jsonb_array_elements(CASE jsonb_typeof((limits_of.p_definition -> 'limits'::text)) WHEN 'array'::text THEN (limits_of.p_definition -> 'limits'::text) ELSE '[]'::jsonb END) e(value) UNION ALL SELECT jsonb_build_object('kind', 'concurrency', 'limit', (limits_of.p_definition -> 'max_active_runs'::text)) AS jsonb_build_object WHERE ((jsonb_typeof((limits_of.p_definition -> 'max_active_runs'::text)) = 'number'::text) AND (((limits_of.p_definition ->> 'max_active_runs'::text))::numeric > (1)::numeric))) l);

ALTER FUNCTION highway.limits_of(p_definition jsonb) OWNER TO highway_owner;

CREATE TABLE highway.workflow_definition (
    tenant_id uuid NOT NULL,
    definition_id uuid NOT NULL,
    definition_hash text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    deadline_seconds double precision GENERATED ALWAYS AS (COALESCE(((definition ->> 'deadline_seconds'::text))::double precision, ((definition ->> 'timeout_seconds'::text))::double precision)) STORED,
    deadline_action text GENERATED ALWAYS AS (COALESCE((definition ->> 'deadline_action'::text), 'fail'::text)) STORED NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    source_format text NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    limits jsonb GENERATED ALWAYS AS (highway.limits_of(definition)) STORED,
    CONSTRAINT workflow_definition_definition_hash_check CHECK ((definition_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT workflow_definition_source_format_check CHECK ((source_format = ANY (ARRAY['python'::text, 'json'::text, 'yaml'::text]))),
    CONSTRAINT workflow_definition_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY highway.workflow_definition FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.workflow_definition OWNER TO highway_owner;

CREATE FUNCTION highway.gate_of_run(p_tenant uuid, p_run uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN (SELECT highway.gate_of((COALESCE(d.limits, '[]'::jsonb) || COALESCE(r.limits, '[]'::jsonb)), d.name, r.inputs) AS gate_of FROM (highway.workflow_run r JOIN highway.workflow_definition d ON (((d.tenant_id = r.tenant_id) AND (d.definition_id = r.definition_id)))) WHERE ((r.tenant_id = gate_of_run.p_tenant) AND (r.workflow_run_id = gate_of_run.p_run) AND ((d.limits IS NOT NULL) OR (r.limits IS NOT NULL))));

ALTER FUNCTION highway.gate_of_run(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.give_up_step(p_tenant uuid, p_run uuid, p_path text, p_by text DEFAULT ''::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_step record;
BEGIN
    PERFORM FROM highway.lock_families('{}', '{}', ARRAY[p_tenant], ARRAY[p_run]);
    PERFORM highway.open_run(p_tenant, p_run);
    SELECT s.* INTO v_step FROM highway.exhausted_steps(p_tenant, p_run) AS s WHERE s.path = p_path;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no step % waits for a person in workflow run %', p_path, p_run USING ERRCODE = 'HW002';
    END IF;
    UPDATE highway.wait AS w SET given = jsonb_build_object('try_again', false, 'by', p_by)
     WHERE w.tenant_id = p_tenant AND w.task_id = v_step.task_id AND w.step_key = v_step.step_key;
    PERFORM highway.note(p_tenant, p_run, 'gave_up', jsonb_build_object('by', p_by), v_step.scope, v_step.step_key);
    IF NOT EXISTS (SELECT FROM highway.exhausted_steps(p_tenant, p_run)) THEN
        PERFORM highway.apply_resume(p_tenant, p_run), highway.wake_answered(p_tenant, p_run);
    END IF;
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.give_up_step(p_tenant uuid, p_run uuid, p_path text, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.grant_slots(p_quantity integer DEFAULT 100) RETURNS integer
    LANGUAGE plpgsql
    SET lock_timeout TO '100ms'
    AS $$
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

ALTER FUNCTION highway.grant_slots(p_quantity integer) OWNER TO highway_owner;

CREATE FUNCTION highway.grant_to(p_tenant uuid, p_key text, p_seqs bigint[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.grant_to(p_tenant uuid, p_key text, p_seqs bigint[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hand_out_messages(p_tenants uuid[], p_runs uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
BEGIN
    WITH wanted AS (
        SELECT w.tenant_id, w.task_id, w.step_key, w.workflow_run_id, w.kind, w.event_name AS name,
               row_number() OVER (PARTITION BY w.tenant_id, w.workflow_run_id, w.kind, w.event_name ORDER BY w.created_at, w.task_id, w.step_key) AS place
          FROM unnest(p_tenants, p_runs) AS r (tenant_id, workflow_run_id)
          JOIN highway.wait AS w USING (tenant_id, workflow_run_id)
         WHERE w.kind IN ('signal', 'update') AND w.given IS NULL
    ), sent AS (
        SELECT s.tenant_id, s.workflow_run_id, 'signal' AS kind, s.name, s.seq, NULL::uuid AS update_id, s.payload, s.sent_by AS by, s.at,
               row_number() OVER (PARTITION BY s.tenant_id, s.workflow_run_id, s.name ORDER BY s.seq) AS place
          FROM unnest(p_tenants, p_runs) AS r (tenant_id, workflow_run_id)
          JOIN highway.signal AS s USING (tenant_id, workflow_run_id)
         WHERE s.taken_by IS NULL
         UNION ALL
        SELECT u.tenant_id, u.workflow_run_id, 'update', u.name, u.seq, u.update_id, u.payload, u.requested_by, u.requested_at,
               row_number() OVER (PARTITION BY u.tenant_id, u.workflow_run_id, u.name ORDER BY u.seq)
          FROM unnest(p_tenants, p_runs) AS r (tenant_id, workflow_run_id)
          JOIN highway.update_request AS u USING (tenant_id, workflow_run_id)
         WHERE u.state = 'pending'
    ), matched AS (
        SELECT w.tenant_id, w.task_id, w.step_key, w.workflow_run_id, w.kind, m.seq, m.update_id,
               concat_ws('/', nullif(t.key, ''), w.step_key) AS taken_by,
               jsonb_strip_nulls(jsonb_build_object('seq', m.seq, 'update_id', m.update_id, 'name', m.name, 'sent_by', m.by, 'at', m.at))
               || jsonb_build_object('payload', m.payload) AS given
          FROM wanted AS w
          JOIN sent AS m USING (tenant_id, workflow_run_id, kind, name, place)
          JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.task_id = w.task_id
    ), signalled AS (
        UPDATE highway.signal AS s SET taken_by = m.taken_by, taken_at = highway.now()
          FROM matched AS m WHERE m.kind = 'signal' AND (s.tenant_id, s.workflow_run_id, s.seq) = (m.tenant_id, m.workflow_run_id, m.seq)
    ), updated AS (
        UPDATE highway.update_request AS u SET state = 'taken', taken_by = m.taken_by, taken_at = highway.now()
          FROM matched AS m WHERE m.kind = 'update' AND (u.tenant_id, u.update_id) = (m.tenant_id, m.update_id)
    ), handed AS (
        UPDATE highway.wait AS w SET given = m.given
          FROM matched AS m WHERE (w.tenant_id, w.task_id, w.step_key) = (m.tenant_id, m.task_id, m.step_key)
    )
    SELECT array_agg(m.tenant_id), array_agg(m.task_id) INTO v_tenants, v_tasks FROM matched AS m;
    IF v_tasks IS NOT NULL THEN
        PERFORM highway.wake_tasks(v_tenants, v_tasks);
    END IF;
END
$$;

ALTER FUNCTION highway.hand_out_messages(p_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hint_about(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_queues text[];
    v_holders uuid[];
BEGIN
    SELECT array_agg(DISTINCT t.queue) FILTER (WHERE t.state = 'pending'), array_agg(DISTINCT t.claimed_by) INTO v_queues, v_holders
      FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)
      JOIN highway.task AS t USING (tenant_id, task_id);
    IF v_queues IS NOT NULL THEN
        PERFORM highway.hint_work(CASE cardinality(v_queues) WHEN 1 THEN v_queues[1] ELSE '' END);
    END IF;
    PERFORM pg_notify('highway_control', h.holder::text) FROM unnest(v_holders) AS h (holder) WHERE h.holder IS NOT NULL;
END
$$;

ALTER FUNCTION highway.hint_about(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hint_start(p_queue text, p_starts timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF p_starts <= highway.now() THEN
        PERFORM highway.hint_work(p_queue);
    ELSIF p_starts < highway.now() + interval '1 second' THEN
        PERFORM highway.hint_work();  -- whoever looks for one queue alone does not ask
    END IF;
END
$$;

ALTER FUNCTION highway.hint_start(p_queue text, p_starts timestamp with time zone) OWNER TO highway_owner;

CREATE FUNCTION highway.hint_work(p_queue text DEFAULT ''::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('highway_work', CASE WHEN p_queue <> '' THEN concat_ws(' ', named.worker_id, p_queue) ELSE '' END)
       FROM (SELECT w.worker_id FROM highway.worker AS w
              WHERE w.listens AND (p_queue = '' OR p_queue = ANY (w.queues))
              ORDER BY w.draining OR w.requested_state <> 'active' OR w.running >= coalesce(w.capacity_override, w.capacity),
                       uuid_hash_extended(w.worker_id, txid_current())  -- of one transaction all name the same, and are sent once
              LIMIT 1) AS named;
END
$$;

ALTER FUNCTION highway.hint_work(p_queue text) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_approval(p_tenant uuid, p_approval uuid) RETURNS highway.approval
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_asked highway.approval;
BEGIN
    PERFORM FROM highway.task AS t
      WHERE t.tenant_id = p_tenant
        AND t.task_id = (SELECT a.task_id FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval)
        FOR NO KEY UPDATE;
    SELECT * INTO v_asked FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no approval %', p_approval USING ERRCODE = 'HW001';
    END IF;
    RETURN v_asked;
END
$$;

ALTER FUNCTION highway.hold_approval(p_tenant uuid, p_approval uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_back(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run AND t.gate IS NOT NULL) THEN
        WITH held AS (
            UPDATE highway.task AS t SET state = 'sleeping', available_at = NULL
             WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.task_id <> p_run AND t.state = 'pending'
            RETURNING t.tenant_id, t.task_id, t.workflow_run_id
        ), uncounted AS (
            UPDATE highway.activity AS a SET start_by = NULL, close_by = NULL FROM held AS h WHERE a.tenant_id = h.tenant_id AND a.task_id = h.task_id
        )
        INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind)
        SELECT h.tenant_id, h.task_id, '@start', h.workflow_run_id, 'start' FROM held AS h;
    END IF;
END
$$;

ALTER FUNCTION highway.hold_back(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_caps(p_queues text[], p_tenants uuid[]) RETURNS boolean
    LANGUAGE plpgsql
    SET lock_timeout TO '100ms'
    AS $$
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

ALTER FUNCTION highway.hold_caps(p_queues text[], p_tenants uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_for_news(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.require_open_run(p_tenant, p_run);
    PERFORM highway.hint_work(q.queue)
       FROM (SELECT DISTINCT t.queue FROM highway.task AS t
              WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.state = 'pending') AS q;
END
$$;

ALTER FUNCTION highway.hold_for_news(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_for_restart(p_tenant uuid, p_run uuid) RETURNS SETOF highway.task
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_runs uuid[] := ARRAY(
        WITH RECURSIVE family (workflow_run_id) AS (
            SELECT p_run
             UNION
            SELECT c.workflow_run_id FROM family AS f CROSS JOIN LATERAL (
                SELECT r.workflow_run_id FROM highway.workflow_run AS r
                 WHERE r.tenant_id = p_tenant AND r.parent_run_id = f.workflow_run_id OFFSET 0) AS c
        )
        SELECT f.workflow_run_id FROM family AS f);
BEGIN
    PERFORM FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (v_runs) ORDER BY t.task_id FOR NO KEY UPDATE;
    RETURN QUERY SELECT t.* FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (v_runs) ORDER BY t.created_at, t.task_id;
END
$$;

ALTER FUNCTION highway.hold_for_restart(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_gates(p_tenants uuid[], p_tasks uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET lock_timeout TO '100ms'
    AS $$
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

ALTER FUNCTION highway.hold_gates(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_limits(p_tenants uuid[], p_gates jsonb[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.hold_limits(p_tenants uuid[], p_gates jsonb[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hold_run(p_tenant uuid, p_run uuid) RETURNS highway.workflow_run
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run;
BEGIN
    PERFORM FROM highway.lock_tasks(ARRAY[p_tenant], ARRAY[p_run], ARRAY[p_tenant], ARRAY[p_run]);
    SELECT r.* INTO v_run FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no workflow run %', p_run USING ERRCODE = 'HW001';
    END IF;
    RETURN v_run;
END
$$;

ALTER FUNCTION highway.hold_run(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.index_attributes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM highway.run_attribute AS a WHERE a.tenant_id = NEW.tenant_id AND a.workflow_run_id = NEW.workflow_run_id;
    END IF;
    INSERT INTO highway.run_attribute (tenant_id, name, value, workflow_run_id)
    SELECT NEW.tenant_id, '#', left(tag, 200), NEW.workflow_run_id FROM unnest(NEW.tags) AS tag
     UNION
    SELECT NEW.tenant_id, a.key, left(v.value #>> '{}', 200), NEW.workflow_run_id
      FROM jsonb_each(NEW.attributes) AS a
     CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(a.value) WHEN 'array' THEN a.value ELSE jsonb_build_array(a.value) END) AS v
     WHERE jsonb_typeof(v.value) IN ('string', 'number', 'boolean') AND a.key <> '#';
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.index_attributes() OWNER TO highway_owner;

CREATE FUNCTION highway.index_document(p_tenant uuid, p_collection text, p_document text, p_model text, p_metadata jsonb, p_contents text[], p_embeddings text[], p_most integer) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('passages:' || p_tenant || ':' || p_collection, 0));
    DELETE FROM highway.passage AS p
     WHERE p.tenant_id = p_tenant AND p.collection = p_collection AND p.document_id = p_document;
    INSERT INTO highway.passage (tenant_id, collection, document_id, position, model, content, metadata, embedding)
    SELECT p_tenant, p_collection, p_document, n.number - 1, p_model, n.content, p_metadata, n.embedding::real[]
      FROM unnest(p_contents, p_embeddings) WITH ORDINALITY AS n (content, embedding, number);
    SELECT count(*) INTO v_count FROM highway.passage AS p WHERE p.tenant_id = p_tenant AND p.collection = p_collection;
    IF v_count > p_most THEN
        RAISE EXCEPTION 'the collection % would have % passages, at most % are searched', p_collection, v_count, p_most
            USING ERRCODE = 'HW002';
    END IF;
    RETURN v_count;
END
$$;

ALTER FUNCTION highway.index_document(p_tenant uuid, p_collection text, p_document text, p_model text, p_metadata jsonb, p_contents text[], p_embeddings text[], p_most integer) OWNER TO highway_owner;

CREATE FUNCTION highway.is_open(p_state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (p_state = ANY (ARRAY['pending'::text, 'running'::text, 'sleeping'::text, 'paused'::text]));

ALTER FUNCTION highway.is_open(p_state text) OWNER TO highway_owner;

CREATE FUNCTION highway.is_forgettable(p_run highway.workflow_run, p_completed_before timestamp with time zone, p_failed_before timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((p_run).finished_at < CASE (p_run).status WHEN 'completed'::text THEN p_completed_before ELSE p_failed_before END) AND (NOT highway.is_open((p_run).status)) AND (NOT (EXISTS (SELECT FROM highway.workflow_run c WHERE ((c.tenant_id = (is_forgettable.p_run).tenant_id) AND (c.parent_run_id = (is_forgettable.p_run).workflow_run_id) AND (c.finished_at IS NULL))))) AND (NOT (EXISTS (SELECT FROM highway.workflow_run p WHERE ((p.tenant_id = (is_forgettable.p_run).tenant_id) AND (p.workflow_run_id = (is_forgettable.p_run).parent_run_id) AND (p.finished_at IS NULL))))));

ALTER FUNCTION highway.is_forgettable(p_run highway.workflow_run, p_completed_before timestamp with time zone, p_failed_before timestamp with time zone) OWNER TO highway_owner;

CREATE FUNCTION highway.is_unstarted(p_task highway.task, p_activity highway.activity) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((p_activity).started_at IS NULL) AND ((p_task).rescues = 0) AND (NOT (EXISTS (SELECT FROM highway.wait w WHERE ((w.tenant_id = (is_unstarted.p_task).tenant_id) AND (w.task_id = (is_unstarted.p_task).task_id) AND (w.kind <> 'slot'::text))))));

ALTER FUNCTION highway.is_unstarted(p_task highway.task, p_activity highway.activity) OWNER TO highway_owner;

CREATE TABLE highway.flow_limit (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    capacity integer NOT NULL,
    per_seconds double precision,
    pinned boolean DEFAULT false NOT NULL,
    changed_by text DEFAULT ''::text NOT NULL,
    starts timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    next_start timestamp with time zone,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT flow_limit_capacity_check CHECK ((capacity >= 0)),
    CONSTRAINT flow_limit_check CHECK (((kind = 'rate'::text) = (per_seconds IS NOT NULL))),
    CONSTRAINT flow_limit_check1 CHECK (((kind <> 'rate'::text) OR ((capacity >= 1) AND (capacity <= 1000)))),
    CONSTRAINT flow_limit_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT flow_limit_kind_check CHECK ((kind = ANY (ARRAY['concurrency'::text, 'rate'::text]))),
    CONSTRAINT flow_limit_per_seconds_check CHECK ((per_seconds > (0)::double precision))
)
WITH (fillfactor='50');

ALTER TABLE ONLY highway.flow_limit FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.flow_limit OWNER TO highway_owner;

CREATE SEQUENCE highway.slot_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE highway.slot_seq OWNER TO highway_owner;

CREATE TABLE highway.slot (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    task_id uuid NOT NULL,
    step_key text DEFAULT ''::text NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint DEFAULT nextval('highway.slot_seq'::regclass) NOT NULL,
    asked_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    granted_at timestamp with time zone
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02');

ALTER TABLE ONLY highway.slot FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.slot OWNER TO highway_owner;

CREATE FUNCTION highway.is_unused(l highway.flow_limit, p_idle interval) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((NOT (l).pinned) AND ((l).created_at < (highway.now() - p_idle)) AND CASE (l).kind WHEN 'rate'::text THEN ((GREATEST((l).next_start, ((l).starts[cardinality((l).starts)] + make_interval(secs => (l).per_seconds))) IS NULL) OR (GREATEST((l).next_start, ((l).starts[cardinality((l).starts)] + make_interval(secs => (l).per_seconds))) < (highway.now() - p_idle))) ELSE ((NOT (EXISTS (SELECT FROM highway.slot s WHERE ((s.tenant_id = (is_unused.l).tenant_id) AND (s.key = (is_unused.l).key) AND (s.granted_at IS NOT NULL)) OFFSET 0))) AND (NOT (EXISTS (SELECT FROM highway.slot s WHERE ((s.tenant_id = (is_unused.l).tenant_id) AND (s.key = (is_unused.l).key) AND (s.granted_at IS NULL)) OFFSET 0)))) END);

ALTER FUNCTION highway.is_unused(l highway.flow_limit, p_idle interval) OWNER TO highway_owner;

CREATE FUNCTION highway.join_keyed_run(p_tenant uuid, p_kind text, p_key text, p_run uuid, p_inputs jsonb, p_how jsonb) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.join_keyed_run(p_tenant uuid, p_kind text, p_key text, p_run uuid, p_inputs jsonb, p_how jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.keeps(p_tenant uuid, OUT keep_completed_days integer, OUT keep_failed_days integer) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    SELECT p.keep_completed_days, p.keep_failed_days INTO keep_completed_days, keep_failed_days
      FROM highway.retention_policy AS p WHERE p.tenant_id = p_tenant;
    IF NOT FOUND THEN
        keep_completed_days := 30; keep_failed_days := 90;
    END IF;
END
$$;

ALTER FUNCTION highway.keeps(p_tenant uuid, OUT keep_completed_days integer, OUT keep_failed_days integer) OWNER TO highway_owner;

CREATE FUNCTION highway.kill_run(p_tenant uuid, p_run uuid, p_by text DEFAULT ''::text, p_reason text DEFAULT 'killed'::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_parents uuid[] := ARRAY(SELECT t.parent_task_id FROM highway.task AS t
                               WHERE t.tenant_id = p_tenant AND t.task_id = p_run AND t.parent_task_id IS NOT NULL);
    v_runs uuid[];
    v_ended uuid[];
    v_tenants uuid[];
BEGIN
    PERFORM FROM highway.lock_families(array_fill(p_tenant, ARRAY[cardinality(v_parents)]), v_parents, ARRAY[p_tenant], ARRAY[p_run]);
    PERFORM highway.open_run(p_tenant, p_run);
    v_runs := (SELECT f.runs FROM highway.open_families(ARRAY[p_tenant], ARRAY[p_run]) AS f);
    WITH asked AS (
        UPDATE highway.workflow_run AS r
           SET cancel_requested_at = coalesce(r.cancel_requested_at, highway.now()), cancel_reason = p_reason, cancel_outcome = 'cancelled'
         WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_runs) AND r.finished_at IS NULL
        RETURNING r.workflow_run_id
    )
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, data)
    SELECT p_tenant, a.workflow_run_id, highway.now(), 'killed', jsonb_build_object('by', p_by, 'reason', p_reason) FROM asked AS a;
    WITH ended AS (
        UPDATE highway.task AS t
           SET state = 'cancelled', finished_at = highway.now(), epoch = t.epoch + 1, claimed_by = NULL, running_steps = NULL,
               cancel_requested = true,
               error = jsonb_build_object('kind', 'killed', 'type', 'Killed', 'retryable', false, 'message', p_reason)
         WHERE t.tenant_id = p_tenant AND t.workflow_run_id = ANY (v_runs) AND highway.is_open(t.state)
        RETURNING t.task_id
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING ended AS e WHERE w.tenant_id = p_tenant AND w.task_id = e.task_id
    )
    SELECT array_agg(e.task_id) INTO v_ended FROM ended AS e;
    v_tenants := array_fill(p_tenant, ARRAY[cardinality(v_ended)]);
    PERFORM highway.report_final(v_tenants, v_ended), highway.emit_completions(v_tenants, v_ended), pg_notify('highway_control', '');
    RETURN 'cancelled';
END
$$;

ALTER FUNCTION highway.kill_run(p_tenant uuid, p_run uuid, p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.turn_of(p_available_at timestamp with time zone, p_priority smallint, p_lane_seconds integer) RETURNS timestamp without time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((p_available_at AT TIME ZONE 'UTC'::text) + (((p_lane_seconds - (60 * p_priority)))::double precision * '00:00:01'::interval));

ALTER FUNCTION highway.turn_of(p_available_at timestamp with time zone, p_priority smallint, p_lane_seconds integer) OWNER TO highway_owner;

CREATE FUNCTION highway.lane_of(p_tenant uuid, p_queue text, p_partition text, p_available_at timestamp with time zone, p_priority smallint) RETURNS integer
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT (GREATEST((0)::numeric, LEAST(EXTRACT(epoch FROM ((highway.turn_of(t.available_at, t.priority, t.lane_seconds) + '00:01:00'::interval) - highway.turn_of(lane_of.p_available_at, lane_of.p_priority, 0))), (2000000000)::numeric)))::integer AS "greatest" FROM highway.task t WHERE ((t.tenant_id = lane_of.p_tenant) AND (t.queue = lane_of.p_queue) AND (t.partition_key = lane_of.p_partition) AND (t.partition_key <> ''::text) AND (t.state = 'pending'::text)) ORDER BY (highway.turn_of(t.available_at, t.priority, t.lane_seconds)) DESC LIMIT 1), 0);

ALTER FUNCTION highway.lane_of(p_tenant uuid, p_queue text, p_partition text, p_available_at timestamp with time zone, p_priority smallint) OWNER TO highway_owner;

CREATE FUNCTION highway.leave_lines(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.free_slots(p_tenant, p_run);
    DELETE FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_run AND w.step_key = '@slot';
    UPDATE highway.task AS t SET gate = highway.gate_of_run(p_tenant, p_run) WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

ALTER FUNCTION highway.leave_lines(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.let_begin(p_tenants uuid[], p_runs uuid[]) RETURNS void
    LANGUAGE sql
    AS $$
    WITH begun AS (
        DELETE FROM highway.wait AS w USING unnest(p_tenants, p_runs) AS r (tenant_id, workflow_run_id)
         WHERE w.tenant_id = r.tenant_id AND w.workflow_run_id = r.workflow_run_id AND w.kind = 'start'
        RETURNING w.tenant_id, w.task_id
    ), counted AS (
        UPDATE highway.activity AS a
           SET start_by = highway.now() + make_interval(secs => a.schedule_to_start_seconds),
               close_by = highway.now() + make_interval(secs => a.schedule_to_close_seconds)
          FROM begun AS b WHERE a.tenant_id = b.tenant_id AND a.task_id = b.task_id
    )
    UPDATE highway.task AS t SET state = CASE t.state WHEN 'sleeping' THEN 'pending' ELSE t.state END, available_at = highway.now()
      FROM begun AS b WHERE t.tenant_id = b.tenant_id AND t.task_id = b.task_id
$$;

ALTER FUNCTION highway.let_begin(p_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.let_children_go(p_tenant uuid, p_runs uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_children uuid[] := ARRAY(
        SELECT r.workflow_run_id FROM highway.workflow_run AS r
         WHERE r.tenant_id = p_tenant AND r.parent_run_id = ANY (p_runs) AND NOT r.workflow_run_id = ANY (p_runs));
BEGIN
    IF cardinality(v_children) = 0 THEN
        RETURN;
    END IF;
    PERFORM FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_children) ORDER BY t.task_id FOR NO KEY UPDATE NOWAIT;
    UPDATE highway.task AS t SET parent_task_id = NULL, report_key = NULL WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_children);
    UPDATE highway.workflow_run AS r SET parent_run_id = NULL, parent_key = NULL
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_children);
END
$$;

ALTER FUNCTION highway.let_children_go(p_tenant uuid, p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.limit_error(p_limit text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('kind', 'timeout', 'type', p_limit, 'retryable', (p_limit = ANY (ARRAY['StartToClose'::text, 'Heartbeat'::text])), 'message', CASE p_limit WHEN 'StartToClose'::text THEN 'the attempt took longer than its start-to-close limit'::text WHEN 'Heartbeat'::text THEN 'no heartbeat came within the heartbeat limit'::text WHEN 'ScheduleToStart'::text THEN 'no worker began it within the schedule-to-start limit'::text ELSE 'it was not over within the schedule-to-close limit'::text END);

ALTER FUNCTION highway.limit_error(p_limit text) OWNER TO highway_owner;

CREATE FUNCTION highway.lock_families(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) RETURNS TABLE(tenant_id uuid, task_id uuid, epoch integer, state text, cancel_requested boolean, pause_requested boolean)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_runs uuid[];
BEGIN
    LOOP
        SELECT f.tenants, f.runs INTO v_tenants, v_runs FROM highway.open_families(p_run_tenants, p_runs) AS f;
        BEGIN
            PERFORM FROM highway.lock_tasks(p_tenants, p_tasks, v_tenants, v_runs);
            EXIT WHEN (SELECT f.runs <@ v_runs FROM highway.open_families(p_run_tenants, p_runs) AS f);
            RAISE EXCEPTION 'a child was started meanwhile' USING ERRCODE = 'HW000';
        EXCEPTION WHEN SQLSTATE 'HW000' THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN QUERY SELECT * FROM highway.lock_tasks(p_tenants, p_tasks, v_tenants, v_runs);
END
$$;

ALTER FUNCTION highway.lock_families(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE SEQUENCE highway.ticket_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE highway.ticket_seq OWNER TO highway_owner;

CREATE TABLE highway.named_lock (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    ticket bigint DEFAULT nextval('highway.ticket_seq'::regclass) NOT NULL,
    workflow_run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    requested_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    acquired_at timestamp with time zone,
    CONSTRAINT named_lock_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

ALTER TABLE ONLY highway.named_lock FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.named_lock OWNER TO highway_owner;

CREATE FUNCTION highway.lock_granted(p_tenant uuid, p_task uuid, p_name text) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN (n.task_id = lock_granted.p_task) THEN n.ticket ELSE NULL::bigint END AS "case" FROM highway.named_lock n WHERE ((n.tenant_id = lock_granted.p_tenant) AND (n.name = lock_granted.p_name)) ORDER BY n.ticket LIMIT 1);

ALTER FUNCTION highway.lock_granted(p_tenant uuid, p_task uuid, p_name text) OWNER TO highway_owner;

CREATE FUNCTION highway.lock_is_held(p_key bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM pg_locks l WHERE ((l.locktype = 'advisory'::text) AND (l.objsubid = 1) AND l.granted AND (l.database = (SELECT pg_database.oid FROM pg_database WHERE (pg_database.datname = current_database()))) AND ((((l.classid)::bigint << 32) | (l.objid)::bigint) = lock_is_held.p_key))));

ALTER FUNCTION highway.lock_is_held(p_key bigint) OWNER TO highway_owner;

CREATE FUNCTION highway.lock_open_tasks(p_tenant uuid, p_run uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_parents uuid[];
BEGIN
    IF p_run IS NULL THEN
        RAISE EXCEPTION 'a workflow run is required' USING ERRCODE = 'HW003';
    END IF;
    v_parents := ARRAY(SELECT t.parent_task_id FROM highway.task AS t
                        WHERE t.tenant_id = p_tenant AND t.task_id = p_run AND t.parent_task_id IS NOT NULL);
    PERFORM FROM highway.lock_tasks(array_fill(p_tenant, ARRAY[cardinality(v_parents)]), v_parents, ARRAY[p_tenant], ARRAY[p_run]);
    RETURN EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run
                      AND highway.is_open(t.state));
END
$$;

ALTER FUNCTION highway.lock_open_tasks(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.lock_tasks(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) RETURNS TABLE(tenant_id uuid, task_id uuid, epoch integer, state text, cancel_requested boolean, pause_requested boolean)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
DECLARE
    v_held uuid[];
BEGIN
    LOOP
        BEGIN
            v_held := ARRAY(
                SELECT t.task_id FROM highway.task AS t
                 WHERE (t.tenant_id, t.task_id) IN (
                       SELECT g.tenant_id, g.task_id FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)
                        UNION
                       SELECT o.tenant_id, o.task_id
                         FROM unnest(p_run_tenants, p_runs) AS g (tenant_id, workflow_run_id)
                         JOIN highway.task AS o USING (tenant_id, workflow_run_id)
                        WHERE highway.is_open(o.state))
                 ORDER BY t.task_id
                   FOR NO KEY UPDATE);
            EXIT WHEN NOT EXISTS (  -- by sets: a run may have as many open tasks as somebody has customers
                SELECT o.task_id FROM unnest(p_run_tenants, p_runs) AS g (tenant_id, workflow_run_id)
                  JOIN highway.task AS o USING (tenant_id, workflow_run_id)
                 WHERE highway.is_open(o.state)
                EXCEPT
                SELECT unnest(v_held));
            RAISE EXCEPTION 'a task was forked meanwhile' USING ERRCODE = 'HW000';
        EXCEPTION WHEN SQLSTATE 'HW000' THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN QUERY SELECT t.tenant_id, t.task_id, t.epoch, t.state, t.cancel_requested, t.pause_requested
                   FROM highway.task AS t
                  WHERE (t.tenant_id, t.task_id) IN (SELECT g.tenant_id, g.task_id FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id));
END
$$;

ALTER FUNCTION highway.lock_tasks(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.mark_line(p_tenant uuid, p_key text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = p_tenant AND s.key = p_key AND s.granted_at IS NULL) THEN
        INSERT INTO highway.slot_mark (tenant_id, key) VALUES (p_tenant, p_key);
        PERFORM highway.hint_work();
    END IF;
END
$$;

ALTER FUNCTION highway.mark_line(p_tenant uuid, p_key text) OWNER TO highway_owner;

CREATE FUNCTION highway.meant_definition(p_tenant uuid, p_definition uuid, p_hash text, p_name text, p_version integer, OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    SELECT d.definition_id, d.definition_hash, d.name, d.version INTO definition_id, definition_hash, name, version
      FROM highway.workflow_definition AS d
     WHERE d.tenant_id = p_tenant
       AND d.definition_id = coalesce(
               p_definition,
               (SELECT h.definition_id FROM highway.workflow_definition AS h WHERE h.tenant_id = p_tenant AND h.definition_hash = p_hash),
               (SELECT n.definition_id FROM highway.workflow_definition AS n
                 WHERE n.tenant_id = p_tenant AND n.name = p_name AND n.version = coalesce(p_version, n.version)
                 ORDER BY n.version DESC LIMIT 1));
END
$$;

ALTER FUNCTION highway.meant_definition(p_tenant uuid, p_definition uuid, p_hash text, p_name text, p_version integer, OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer) OWNER TO highway_owner;

CREATE FUNCTION highway.merge_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_after jsonb;
BEGIN
    UPDATE highway.workflow_run AS r
       SET attributes = jsonb_strip_nulls(r.attributes || p_changes)
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run
    RETURNING r.attributes INTO v_after;
    IF (SELECT count(*) FROM jsonb_object_keys(v_after)) > 64 THEN
        RAISE EXCEPTION 'a run has at most 64 search attributes' USING ERRCODE = 'HW003';
    END IF;
    RETURN v_after;
END
$$;

ALTER FUNCTION highway.merge_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) OWNER TO highway_owner;

CREATE TABLE highway.code_module (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    sha256 text NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    created_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT code_module_name_check CHECK ((name ~ '^[A-Za-z][A-Za-z0-9_]{0,99}$'::text)),
    CONSTRAINT code_module_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY highway.code_module FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.code_module OWNER TO highway_owner;

CREATE FUNCTION highway.module_for(p_tenant uuid, p_run uuid, p_name text, p_version integer) RETURNS highway.code_module
    LANGUAGE sql STABLE
    RETURN (SELECT m.*::highway.code_module AS m FROM (highway.code_module m CROSS JOIN (SELECT r.created_at FROM highway.workflow_run r WHERE ((r.tenant_id = module_for.p_tenant) AND (r.workflow_run_id = module_for.p_run))) run) WHERE ((m.tenant_id = module_for.p_tenant) AND (m.name = module_for.p_name) AND ((module_for.p_version IS NULL) OR (m.version = module_for.p_version))) ORDER BY (m.created_at <= run.created_at) DESC, CASE WHEN (m.created_at <= run.created_at) THEN (- m.version) ELSE m.version END LIMIT 1);

ALTER FUNCTION highway.module_for(p_tenant uuid, p_run uuid, p_name text, p_version integer) OWNER TO highway_owner;

CREATE SEQUENCE highway.story_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE highway.story_seq OWNER TO highway_owner;

CREATE FUNCTION highway.next_story() RETURNS bigint
    LANGUAGE sql
    RETURN CASE WHEN (pg_current_xact_id() IS NOT NULL) THEN nextval('highway.story_seq'::regclass) ELSE NULL::bigint END;

ALTER FUNCTION highway.next_story() OWNER TO highway_owner;

CREATE FUNCTION highway.note(p_tenant uuid, p_run uuid, p_kind text, p_data jsonb, p_scope text DEFAULT ''::text, p_step text DEFAULT ''::text) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (p_tenant, p_run, highway.now(), p_kind, p_scope, p_step, jsonb_strip_nulls(p_data))
$$;

ALTER FUNCTION highway.note(p_tenant uuid, p_run uuid, p_kind text, p_data jsonb, p_scope text, p_step text) OWNER TO highway_owner;

CREATE FUNCTION highway.open_families(p_tenants uuid[], p_runs uuid[], OUT tenants uuid[], OUT runs uuid[]) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    WITH RECURSIVE family (tenant_id, workflow_run_id) AS (
        SELECT g.tenant_id, g.workflow_run_id FROM unnest(p_tenants, p_runs) AS g (tenant_id, workflow_run_id)
         UNION
        SELECT f.tenant_id, c.workflow_run_id
          FROM family AS f
         CROSS JOIN LATERAL (
               SELECT r.workflow_run_id FROM highway.workflow_run AS r
                WHERE r.tenant_id = f.tenant_id AND r.parent_run_id = f.workflow_run_id AND r.finished_at IS NULL OFFSET 0) AS c
    )
    SELECT coalesce(array_agg(f.tenant_id ORDER BY f.workflow_run_id), '{}'), coalesce(array_agg(f.workflow_run_id ORDER BY f.workflow_run_id), '{}')
      FROM family AS f
$$;

ALTER FUNCTION highway.open_families(p_tenants uuid[], p_runs uuid[], OUT tenants uuid[], OUT runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.open_run(p_tenant uuid, p_run uuid) RETURNS highway.workflow_run
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run;
BEGIN
    SELECT r.* INTO v_run FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no workflow run %', p_run USING ERRCODE = 'HW001';
    ELSIF NOT highway.is_open(v_run.status) THEN
        RAISE EXCEPTION 'workflow run % has already ended', p_run USING ERRCODE = 'HW002';
    END IF;
    RETURN v_run;
END
$$;

ALTER FUNCTION highway.open_run(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.open_runs_of_schedule(p_tenant uuid, p_schedule uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT r.workflow_run_id
    FROM highway.workflow_run r
   WHERE ((r.tenant_id = open_runs_of_schedule.p_tenant) AND ((r.attributes ->> 'schedule_id'::text) = (open_runs_of_schedule.p_schedule)::text) AND (r.trigger = 'schedule'::text) AND (r.finished_at IS NULL))
   ORDER BY r.workflow_run_id;
END;

ALTER FUNCTION highway.open_runs_of_schedule(p_tenant uuid, p_schedule uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.partition_of(p_tenant uuid, p_run uuid) RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT t.partition_key FROM highway.task t WHERE ((t.tenant_id = partition_of.p_tenant) AND (t.task_id = partition_of.p_run))), ''::text);

ALTER FUNCTION highway.partition_of(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.pass_gates(p_tenants uuid[], p_tasks uuid[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.pass_gates(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.pass_locks_on() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
BEGIN
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    SELECT g.tenant_id, g.workflow_run_id, highway.now(), CASE WHEN g.acquired_at IS NULL THEN 'lock_failed' ELSE 'lock_released' END, g.scope, g.step_key,
           jsonb_build_object('lock_name', g.name, 'fencing', g.ticket,
                              'held_duration_ms', round(extract(epoch FROM highway.now() - g.acquired_at) * 1000))
      FROM gone AS g;
    WITH first AS (
        SELECT n.tenant_id, n.task_id
          FROM (SELECT DISTINCT g.tenant_id, g.name FROM gone AS g) AS g
         CROSS JOIN LATERAL (SELECT o.tenant_id, o.task_id, o.acquired_at FROM highway.named_lock AS o
                              WHERE o.tenant_id = g.tenant_id AND o.name = g.name ORDER BY o.ticket LIMIT 1) AS n
         WHERE n.acquired_at IS NULL
    ), free AS (
        SELECT t.tenant_id, t.task_id FROM first AS f JOIN highway.task AS t ON t.tenant_id = f.tenant_id AND t.task_id = f.task_id
         WHERE t.state = 'sleeping' FOR NO KEY UPDATE OF t SKIP LOCKED
    ), woken AS (
        UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
          FROM free AS f WHERE t.tenant_id = f.tenant_id AND t.task_id = f.task_id
    )
    SELECT array_agg(f.tenant_id), array_agg(f.task_id) INTO v_tenants, v_tasks FROM first AS f;
    PERFORM highway.hint_about(v_tenants, v_tasks);
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.pass_locks_on() OWNER TO highway_owner;

CREATE FUNCTION highway.pass_steps(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_uses text[], p_in_line boolean[]) RETURNS TABLE(task_id uuid, step_key text, granted boolean)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.pass_steps(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_uses text[], p_in_line boolean[]) OWNER TO highway_owner;

CREATE FUNCTION highway.pause_run(p_tenant uuid, p_run uuid, p_by text DEFAULT ''::text, p_reason text DEFAULT ''::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM highway.lock_families('{}', '{}', ARRAY[p_tenant], ARRAY[p_run]);
    IF (highway.open_run(p_tenant, p_run)).cancel_requested_at IS NOT NULL THEN
        RAISE EXCEPTION 'workflow run % is being stopped', p_run USING ERRCODE = 'HW002';
    END IF;
    PERFORM highway.apply_pause(p_tenant, p_run, p_by, p_reason);
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.pause_run(p_tenant uuid, p_run uuid, p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.pause_with_parent(p_tenant uuid, p_run uuid, p_parent uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.workflow_run AS r
       SET paused_at = highway.now(), paused_by = p.paused_by, pause_reason = p.pause_reason, paused_with = coalesce(p.paused_with, p_parent)
      FROM highway.workflow_run AS p
     WHERE p.tenant_id = p_tenant AND p.workflow_run_id = p_parent AND p.paused_at IS NOT NULL
       AND r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    IF FOUND THEN
        UPDATE highway.task AS t SET pause_requested = true, state = 'paused' WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
    END IF;
END
$$;

ALTER FUNCTION highway.pause_with_parent(p_tenant uuid, p_run uuid, p_parent uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.places_in_turn(p_queues text[], p_quantity integer, p_from uuid, p_credit integer) RETURNS TABLE(queue text, tenant_id uuid, size integer)
    LANGUAGE sql STABLE
    AS $$
    WITH RECURSIVE place (queue, tenant_id, n) AS (
        SELECT q.queue, coalesce((SELECT t.tenant_id FROM highway.task AS t
                                   WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id >= p_from
                                   ORDER BY t.tenant_id LIMIT 1),
                                 (SELECT t.tenant_id FROM highway.task AS t
                                   WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id < p_from
                                   ORDER BY t.tenant_id LIMIT 1)), 1
          FROM unnest(p_queues) AS q (queue)
        UNION ALL
        SELECT p.queue, CASE WHEN p.tenant_id >= p_from
                             THEN coalesce(o.following, (SELECT t.tenant_id FROM highway.task AS t
                                                          WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id < p_from
                                                          ORDER BY t.tenant_id LIMIT 1))
                             WHEN o.following < p_from THEN o.following END, p.n + 1
          FROM place AS p
         CROSS JOIN LATERAL (SELECT (SELECT t.tenant_id FROM highway.task AS t
                                      WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id > p.tenant_id
                                      ORDER BY t.tenant_id LIMIT 1) AS following OFFSET 0) AS o
         WHERE p.tenant_id IS NOT NULL  -- places where nothing may be taken now must not use up the look
           AND p.n < p_quantity + (SELECT count(*) FROM highway.tenant_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
                                + (SELECT count(*) FROM highway.queue_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
    )
    SELECT p.queue, p.tenant_id,
           CASE WHEN p.tenant_id = p_from AND p_credit > 0 THEN p_credit
                ELSE (coalesce(w.weight, 1) * ceil(p_quantity::numeric / sum(coalesce(w.weight, 1)) OVER ()))::int END AS size
      FROM place AS p
      LEFT JOIN LATERAL (SELECT o.weight, o.paused_at FROM highway.tenant_policy AS o WHERE o.tenant_id = p.tenant_id LIMIT 1) AS w ON true
     WHERE p.tenant_id IS NOT NULL AND w.paused_at IS NULL
       AND NOT EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.tenant_id IN (p.tenant_id, '00000000-0000-0000-0000-000000000000')
                          AND c.queue = p.queue AND c.paused_at IS NOT NULL)
     ORDER BY p.tenant_id < p_from, p.tenant_id, random();
$$;

ALTER FUNCTION highway.places_in_turn(p_queues text[], p_quantity integer, p_from uuid, p_credit integer) OWNER TO highway_owner;

CREATE FUNCTION highway.plan_start(p_tenant uuid, p_run uuid, p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.workflow_run AS r SET deadline_at = highway.deadline_from(p_at, d.deadline_seconds)
      FROM highway.workflow_definition AS d
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND r.deadline_at IS NOT NULL
       AND d.tenant_id = r.tenant_id AND d.definition_id = r.definition_id;
    UPDATE highway.task AS t
       SET available_at = p_at,
           state = CASE WHEN t.state = 'paused' THEN t.state WHEN p_at > highway.now() THEN 'sleeping' ELSE 'pending' END
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state)
       AND NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id AND w.kind = 'start');
    UPDATE highway.activity AS a
       SET start_by = p_at + make_interval(secs => a.schedule_to_start_seconds), close_by = p_at + make_interval(secs => a.schedule_to_close_seconds)
      FROM highway.task AS t
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.kind = 'activity' AND highway.is_open(t.state)
       AND t.available_at = p_at  -- not of what waits for the limits of its run: nothing counts there
       AND a.tenant_id = t.tenant_id AND a.task_id = t.task_id;
    PERFORM highway.hint_work();
END
$$;

ALTER FUNCTION highway.plan_start(p_tenant uuid, p_run uuid, p_at timestamp with time zone) OWNER TO highway_owner;

CREATE PROCEDURE highway.protect(IN p_table regclass)
    LANGUAGE plpgsql
    AS $$
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

ALTER PROCEDURE highway.protect(IN p_table regclass) OWNER TO highway_owner;

CREATE FUNCTION highway.purge_run(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run := highway.hold_run(p_tenant, p_run);
BEGIN
    IF highway.is_open(v_run.status) THEN
        RAISE EXCEPTION 'workflow run % is %; only an ended run can be purged', p_run, v_run.status USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state)) THEN
        RAISE EXCEPTION 'workflow run % is still being stopped; try again in a moment', p_run USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.workflow_run AS c WHERE c.tenant_id = p_tenant AND c.parent_run_id = p_run AND c.finished_at IS NULL) THEN
        RAISE EXCEPTION 'a child of workflow run % is open; purge it when that has ended', p_run USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.workflow_run AS p WHERE p.tenant_id = p_tenant AND p.workflow_run_id = v_run.parent_run_id AND p.finished_at IS NULL) THEN
        RAISE EXCEPTION 'workflow run % may still be read by its parent %; purge it when that has ended', p_run, v_run.parent_run_id USING ERRCODE = 'HW002';
    END IF;
    PERFORM highway.forget_runs(p_tenant, ARRAY[p_run]);
END
$$;

ALTER FUNCTION highway.purge_run(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.queue_for_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(k.key)
       FROM (SELECT DISTINCT hashtextextended(g.tenant_id || g.name, 11) AS key FROM unnest(p_tenants, p_names) AS g (tenant_id, name) ORDER BY 1) AS k;
    -- A statement of its own: it sees every ticket that was given out before the turn came.
    INSERT INTO highway.named_lock (tenant_id, name, workflow_run_id, task_id, scope, step_key, requested_at)
    SELECT t.tenant_id, g.name, t.workflow_run_id, t.task_id, t.key, g.step_key, highway.now()
      FROM unnest(p_tenants, p_tasks, p_epochs, p_steps, p_names) WITH ORDINALITY AS g (tenant_id, task_id, epoch, step_key, name, n)
      JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
     ORDER BY g.n
    ON CONFLICT (tenant_id, task_id, step_key) DO NOTHING;
    UPDATE highway.task AS t SET holds_locks = true
      FROM unnest(p_tenants, p_tasks, p_epochs) AS g (tenant_id, task_id, epoch)
     WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL AND NOT t.holds_locks;
END
$$;

ALTER FUNCTION highway.queue_for_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.recall(p_tenant uuid, p_run uuid, p_task uuid, p_scope text) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_most constant integer := 100;  -- of each kind: a value that stands in a row is at most 256 KiB, and this one is to stay well below what a jsonb can hold
    v_steps jsonb;
    v_variables jsonb;
    v_waits jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_steps
      FROM (SELECT c.step_key, c.operator, c.outcome, c.result, c.error FROM highway.checkpoint AS c
             WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.scope = p_scope ORDER BY c.seq LIMIT v_most + 1) AS k;
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_variables
      FROM (SELECT v.name, v.value FROM highway.variable AS v
             WHERE v.tenant_id = p_tenant AND v.workflow_run_id = p_run AND v.scope = p_scope LIMIT v_most + 1) AS k;
    -- What many have given is not to be put together before somebody sees how much it is.
    IF EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_task AND cardinality(w.awaited) > v_most) THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_waits
      FROM (SELECT w.* FROM highway.waits_of(ARRAY[p_tenant], ARRAY[p_task]) AS w LIMIT v_most + 1) AS k;
    IF greatest(jsonb_array_length(v_steps), jsonb_array_length(v_variables), jsonb_array_length(v_waits)) > v_most THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('steps', v_steps, 'variables', v_variables, 'waits', v_waits,
                              'past', (SELECT jsonb_build_object('details', a.details, 'failed_attempt', a.failed_attempt)
                                         FROM highway.activity AS a WHERE a.tenant_id = p_tenant AND a.task_id = p_task));
EXCEPTION WHEN program_limit_exceeded THEN  -- what it waited for is more than one value can hold: whoever reads its rows has to say so
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.recall(p_tenant uuid, p_run uuid, p_task uuid, p_scope text) OWNER TO highway_owner;

CREATE FUNCTION highway.refer_to_inputs() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    INSERT INTO highway.blob_reference (tenant_id, workflow_run_id, sha256)
    VALUES (NEW.tenant_id, NEW.workflow_run_id, NEW.inputs -> '$blob' ->> 'sha256');
    RETURN NULL;
END
$_$;

ALTER FUNCTION highway.refer_to_inputs() OWNER TO highway_owner;

CREATE FUNCTION highway.refuse_firing_twice() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the tick % of schedule % has fired', OLD.tick_at, OLD.schedule_id USING ERRCODE = 'HW002';
END
$$;

ALTER FUNCTION highway.refuse_firing_twice() OWNER TO highway_owner;

CREATE FUNCTION highway.refuse_leaving_terminal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF current_setting('highway.restarting', true) = OLD.workflow_run_id::text
       AND OLD.state IN ('failed', 'cancelled') AND NEW.state = 'pending' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'task % is % and cannot become %', OLD.task_id, OLD.state, NEW.state USING ERRCODE = 'HW002';
END
$$;

ALTER FUNCTION highway.refuse_leaving_terminal() OWNER TO highway_owner;

CREATE FUNCTION highway.register_definition(p_tenant uuid, p_hash text, p_name text, p_definition jsonb, p_source text, p_source_format text, OUT definition_id uuid, OUT version integer, OUT created boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT d.definition_id, d.version, false INTO definition_id, version, created
      FROM highway.workflow_definition AS d WHERE d.tenant_id = p_tenant AND d.definition_hash = p_hash;
    IF FOUND THEN
        RETURN;
    END IF;
    -- Two registrations of one name take turns, so that versions have no gaps and no doubles. What is known is found before: nearly every
    -- submission brings a definition that is, and those that bring the same one must not wait for each other's commit.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text || p_name, 7));
    SELECT d.definition_id, d.version, false INTO definition_id, version, created
      FROM highway.workflow_definition AS d WHERE d.tenant_id = p_tenant AND d.definition_hash = p_hash;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO highway.workflow_definition AS d
           (tenant_id, definition_id, definition_hash, name, version, definition, source, source_format)
    SELECT p_tenant, highway.uuid7(), p_hash, p_name, coalesce(max(o.version), 0) + 1, p_definition, p_source, p_source_format
      FROM highway.workflow_definition AS o WHERE o.tenant_id = p_tenant AND o.name = p_name
    RETURNING d.definition_id, d.version, true INTO definition_id, version, created;
END
$$;

ALTER FUNCTION highway.register_definition(p_tenant uuid, p_hash text, p_name text, p_definition jsonb, p_source text, p_source_format text, OUT definition_id uuid, OUT version integer, OUT created boolean) OWNER TO highway_owner;

CREATE FUNCTION highway.report_final(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
BEGIN
    WITH ended AS (
        SELECT t.tenant_id, t.parent_task_id, t.report_key
          FROM unnest(p_tenants, p_tasks) AS e (tenant_id, task_id)
          JOIN highway.task AS t USING (tenant_id, task_id)
         WHERE t.parent_task_id IS NOT NULL
    ), arrived AS (
        SELECT w.tenant_id, w.task_id, w.step_key, count(*) AS arrivals
          FROM ended AS e
          JOIN highway.wait AS w ON w.tenant_id = e.tenant_id AND w.task_id = e.parent_task_id
                                AND w.kind = 'tasks' AND e.report_key = ANY (w.awaited)
         GROUP BY 1, 2, 3
    ), counted AS (
        UPDATE highway.wait AS w SET needed = w.needed - a.arrivals
          FROM arrived AS a
         WHERE (w.tenant_id, w.task_id, w.step_key) = (a.tenant_id, a.task_id, a.step_key)
        RETURNING w.tenant_id, w.task_id, w.needed
    )
    SELECT array_agg(c.tenant_id), array_agg(c.task_id) INTO v_tenants, v_tasks FROM counted AS c WHERE c.needed <= 0;
    IF v_tasks IS NOT NULL THEN
        PERFORM highway.wake_tasks(v_tenants, v_tasks);
    END IF;
END
$$;

ALTER FUNCTION highway.report_final(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.request_update(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL::jsonb, p_by text DEFAULT ''::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_update uuid;
BEGIN
    PERFORM highway.hold_for_news(p_tenant, p_run);
    INSERT INTO highway.update_request (tenant_id, workflow_run_id, name, payload, requested_by, requested_at)
    VALUES (p_tenant, p_run, p_name, p_payload, p_by, highway.now())
    RETURNING update_id INTO v_update;
    PERFORM highway.hand_out_messages(ARRAY[p_tenant], ARRAY[p_run]);
    RETURN v_update;
END
$$;

ALTER FUNCTION highway.request_update(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.require_open_run(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF highway.lock_open_tasks(p_tenant, p_run) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run) THEN
        RAISE EXCEPTION 'workflow run % has already ended', p_run USING ERRCODE = 'HW002';
    END IF;
    RAISE EXCEPTION 'no workflow run %', p_run USING ERRCODE = 'HW001';
END
$$;

ALTER FUNCTION highway.require_open_run(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.restart_run(p_tenant uuid, p_run uuid, p_tasks uuid[], p_scopes text[], p_keys text[], p_by text DEFAULT ''::text, p_reason text DEFAULT ''::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run := highway.hold_run(p_tenant, p_run);
BEGIN
    IF v_run.status NOT IN ('failed', 'cancelled') THEN
        RAISE EXCEPTION 'workflow run % is %; only a failed or cancelled run can be restarted', p_run, v_run.status USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state)) THEN
        RAISE EXCEPTION 'workflow run % is still being stopped; try again in a moment', p_run USING ERRCODE = 'HW002';
    ELSIF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run AND t.phase = 'undoing')
          AND EXISTS (SELECT FROM highway.compensation AS c WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run) THEN
        RAISE EXCEPTION 'workflow run % has begun to undo what it did; it cannot go on', p_run USING ERRCODE = 'HW002';
    END IF;
    DELETE FROM highway.compensation AS c USING unnest(p_scopes, p_keys) AS g (scope, step_key)
     WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.scope = g.scope AND c.step_key = g.step_key;
    WITH removed AS (
        DELETE FROM highway.checkpoint AS k USING unnest(p_scopes, p_keys) AS g (scope, step_key)
         WHERE k.tenant_id = p_tenant AND k.workflow_run_id = p_run AND k.scope = g.scope AND k.step_key = g.step_key
        RETURNING k.*
    )
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, data)
    SELECT p_tenant, p_run, highway.now(), 'restarted', jsonb_build_object(
               'by', p_by, 'reason', p_reason, 'was', v_run.status, 'error', v_run.error,
               'removed', coalesce(jsonb_agg(to_jsonb(r) - '{tenant_id,workflow_run_id}'::text[] ORDER BY r.seq), '[]'))
      FROM removed AS r;
    DELETE FROM highway.event AS e USING highway.task AS t
     WHERE t.tenant_id = p_tenant AND t.task_id = ANY (p_tasks) AND e.tenant_id = p_tenant AND e.workflow_run_id = p_run AND e.name = t.completion_event;
    PERFORM set_config('highway.restarting', p_run::text, true);
    UPDATE highway.task AS t
       SET state = 'pending', available_at = highway.now(), epoch = t.epoch + 1, rescues = 0, finished_at = NULL, result = NULL, error = NULL,
           cancel_requested = false, pause_requested = false, phase = '',
           -- Its end gave its slots back: the limits of its definition and of its submission are passed anew.
           gate = CASE WHEN t.task_id = p_run THEN highway.gate_of_run(p_tenant, p_run) END
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.task_id = ANY (p_tasks) AND t.state IN ('failed', 'cancelled');
    PERFORM set_config('highway.restarting', '', true), highway.hold_back(p_tenant, p_run);
    PERFORM highway.stand_under_again(p_tenant, p_run, p_run);
    UPDATE highway.workflow_run AS r
       SET cancel_requested_at = NULL, cancel_reason = NULL, cancel_outcome = NULL,
           deadline_at = CASE WHEN r.deadline_at <= v_run.finished_at THEN highway.deadline_from(highway.now(), d.deadline_seconds)
                              ELSE r.deadline_at + (highway.now() - v_run.finished_at) END
      FROM highway.workflow_definition AS d
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND d.tenant_id = r.tenant_id AND d.definition_id = r.definition_id;
    PERFORM highway.hint_work();
END
$$;

ALTER FUNCTION highway.restart_run(p_tenant uuid, p_run uuid, p_tasks uuid[], p_scopes text[], p_keys text[], p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.resume_run(p_tenant uuid, p_run uuid, p_by text DEFAULT ''::text, p_inputs jsonb DEFAULT '{}'::jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run highway.workflow_run;
    v_paths text[];
    v_path text;
BEGIN
    PERFORM FROM highway.lock_families('{}', '{}', ARRAY[p_tenant], ARRAY[p_run]);
    v_run := highway.open_run(p_tenant, p_run);
    v_paths := ARRAY(SELECT s.path FROM highway.exhausted_steps(p_tenant, p_run) AS s);
    SELECT g.path INTO v_path FROM jsonb_object_keys(p_inputs) AS g (path) WHERE NOT g.path = ANY (v_paths) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no step % waits for a person in workflow run %', v_path, p_run USING ERRCODE = 'HW003';
    ELSIF v_run.paused_at IS NULL AND cardinality(v_paths) = 0 THEN
        RAISE EXCEPTION 'workflow run % is not paused', p_run USING ERRCODE = 'HW002';
    END IF;
    UPDATE highway.wait AS w
       SET given = jsonb_build_object('try_again', true, 'by', p_by) || coalesce(p_inputs -> s.path, '{}')
      FROM highway.exhausted_steps(p_tenant, p_run) AS s
     WHERE w.tenant_id = p_tenant AND w.task_id = s.task_id AND w.step_key = s.step_key;
    PERFORM highway.apply_resume(p_tenant, p_run),
            highway.wake_answered(p_tenant, p_run),
            highway.note(p_tenant, p_run, 'resumed', jsonb_build_object('by', p_by, 'steps', to_jsonb(v_paths), 'edited', nullif(p_inputs, '{}')));
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.resume_run(p_tenant uuid, p_run uuid, p_by text, p_inputs jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.return_signal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM highway.task AS t WHERE t.tenant_id = OLD.tenant_id AND t.task_id = OLD.task_id
                  AND highway.is_open(t.state) AND t.phase = '') THEN
        RETURN NULL;  -- its step is over, and has made something of it
    ELSIF EXISTS (SELECT FROM highway.task AS t JOIN highway.checkpoint AS k USING (tenant_id, workflow_run_id)
                   WHERE t.tenant_id = OLD.tenant_id AND t.task_id = OLD.task_id AND k.scope = t.key
                     AND k.step_key = OLD.step_key || '.' || (OLD.request ->> 'note')) THEN
        RETURN NULL;  -- durable code has noted it, and goes on from there when it is restarted
    END IF;
    UPDATE highway.signal AS s SET taken_by = NULL, taken_at = NULL
     WHERE s.tenant_id = OLD.tenant_id AND s.workflow_run_id = OLD.workflow_run_id AND s.seq = (OLD.given ->> 'seq')::bigint;
    PERFORM highway.hand_out_messages(ARRAY[OLD.tenant_id], ARRAY[OLD.workflow_run_id]);
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.return_signal() OWNER TO highway_owner;

CREATE FUNCTION highway.said_by(p_by text, p_reason text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN (COALESCE((' by '::text || NULLIF(p_by, ''::text)), ''::text) || COALESCE((': '::text || NULLIF(p_reason, ''::text)), ''::text));

ALTER FUNCTION highway.said_by(p_by text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.send_signal(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL::jsonb, p_by text DEFAULT ''::text) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_seq bigint;
BEGIN
    PERFORM highway.emit_event(p_tenant, p_run, p_name, p_payload, p_by);
    INSERT INTO highway.signal (tenant_id, workflow_run_id, name, payload, sent_by, at)
    VALUES (p_tenant, p_run, p_name, p_payload, p_by, highway.now())
    RETURNING seq INTO v_seq;
    PERFORM highway.hand_out_messages(ARRAY[p_tenant], ARRAY[p_run]);
    RETURN v_seq;
END
$$;

ALTER FUNCTION highway.send_signal(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.set_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no workflow run %', p_run USING ERRCODE = 'HW001';
    END IF;
    RETURN highway.merge_attributes(p_tenant, p_run, p_changes);
END
$$;

ALTER FUNCTION highway.set_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.set_priority(p_tenant uuid, p_run uuid, p_priority smallint, p_by text DEFAULT ''::text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.hold_run(p_tenant, p_run), highway.open_run(p_tenant, p_run);
    UPDATE highway.workflow_run AS r SET priority = p_priority WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    UPDATE highway.task AS t SET priority = p_priority
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state);
    PERFORM highway.note(p_tenant, p_run, 'priority_changed', jsonb_build_object('by', p_by, 'priority', p_priority));
END
$$;

ALTER FUNCTION highway.set_priority(p_tenant uuid, p_run uuid, p_priority smallint, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.settle_story() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_mark highway.story_mark;
    v_drawn bigint;
    v_own xid8;
    v_oldest xid8;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'the story is settled in a transaction of its own' USING ERRCODE = 'HW002';
    END IF;
    -- 1. What has been drawn, by transactions that had their numbers by then.
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO v_drawn FROM highway.story_seq AS s;
    SELECT * INTO v_mark FROM highway.story_mark;
    IF v_mark.settled >= v_drawn THEN
        RETURN v_mark.settled;
    END IF;
    -- 2. A number of our own: greater than all of theirs. One at a time; who comes second has nothing to add.
    SELECT * INTO v_mark FROM highway.story_mark FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0::bigint;
    END IF;
    v_own := pg_current_xact_id();
    -- 3. Everything below this one has ended, and is seen by whoever looks after us.
    SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO v_oldest;
    IF v_oldest < v_mark.older_than THEN
        RETURN v_mark.settled;
    END IF;
    UPDATE highway.story_mark AS m
       SET settled = greatest(m.settled, CASE WHEN v_oldest >= v_own THEN v_drawn ELSE m.drawn END),
           drawn = v_drawn, older_than = v_own, at = highway.now()
    RETURNING m.settled INTO v_mark.settled;
    RETURN v_mark.settled;
END
$$;

ALTER FUNCTION highway.settle_story() OWNER TO highway_owner;

CREATE FUNCTION highway.speak_for(p_tenant uuid) RETURNS uuid
    LANGUAGE sql
    RETURN (set_config('highway.tenant_id'::text, (p_tenant)::text, true))::uuid;

ALTER FUNCTION highway.speak_for(p_tenant uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.stand_at_the_door(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, request)
    SELECT t.tenant_id, t.task_id, '@room', t.workflow_run_id, 'room', jsonb_build_object('gate', t.gate)
      FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
    UPDATE highway.task AS t SET state = 'sleeping', available_at = NULL, gate = NULL WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

ALTER FUNCTION highway.stand_at_the_door(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.stand_under(p_tenant uuid, p_run uuid, p_key text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.run_key AS k SET workflow_run_id = p_run WHERE k.tenant_id = p_tenant AND k.kind = 'singleton' AND k.key = p_key;
    UPDATE highway.workflow_run AS r SET singleton_key = p_key WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    UPDATE highway.task AS t SET limited = true WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

ALTER FUNCTION highway.stand_under(p_tenant uuid, p_run uuid, p_key text) OWNER TO highway_owner;

CREATE FUNCTION highway.stand_under_again(p_tenant uuid, p_run uuid, p_repeats uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_key text := (SELECT r.singleton_key FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_repeats);
BEGIN
    IF v_key IS NOT NULL THEN
        PERFORM highway.take_run_key(p_tenant, 'singleton', v_key, '{}', '{"policy": "refuse"}');
        PERFORM highway.stand_under(p_tenant, p_run, v_key);
    END IF;
END
$$;

ALTER FUNCTION highway.stand_under_again(p_tenant uuid, p_run uuid, p_repeats uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.started_by(p_tenant uuid, p_run uuid) RETURNS text[]
    LANGUAGE sql STABLE
    RETURN (SELECT COALESCE(r.started_by, ARRAY[r.triggered_by]) AS "coalesce" FROM highway.workflow_run r WHERE ((r.tenant_id = started_by.p_tenant) AND (r.workflow_run_id = started_by.p_run)));

ALTER FUNCTION highway.started_by(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.step_path(p_scope text, p_key text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (p_scope = ''::text) THEN p_key ELSE ((p_scope || '/'::text) || p_key) END;

ALTER FUNCTION highway.step_path(p_scope text, p_key text) OWNER TO highway_owner;

CREATE FUNCTION highway.stop_error(p_outcome text, p_reason text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('kind', CASE p_outcome WHEN 'failed'::text THEN 'deadline'::text ELSE 'cancelled'::text END, 'type', '', 'retryable', false, 'message', p_reason);

ALTER FUNCTION highway.stop_error(p_outcome text, p_reason text) OWNER TO highway_owner;

CREATE FUNCTION highway.stop_outcome(p_task highway.task) RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT r.cancel_outcome FROM highway.workflow_run r WHERE ((r.tenant_id = (stop_outcome.p_task).tenant_id) AND (r.workflow_run_id = (stop_outcome.p_task).workflow_run_id) AND ((stop_outcome.p_task).kind = 'workflow'::text))), 'cancelled'::text);

ALTER FUNCTION highway.stop_outcome(p_task highway.task) OWNER TO highway_owner;

CREATE FUNCTION highway.stop_reason(p_task highway.task) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN highway.stop_error(highway.stop_outcome(p_task), COALESCE((SELECT r.cancel_reason FROM highway.workflow_run r WHERE ((r.tenant_id = (stop_reason.p_task).tenant_id) AND (r.workflow_run_id = (stop_reason.p_task).workflow_run_id))), (SELECT a.cancel_reason FROM highway.activity a WHERE ((a.tenant_id = (stop_reason.p_task).tenant_id) AND (a.task_id = (stop_reason.p_task).task_id))), 'cancelled'::text));

ALTER FUNCTION highway.stop_reason(p_task highway.task) OWNER TO highway_owner;

CREATE FUNCTION highway.store_artifact(p_tenant uuid, p_sha256 text, p_content bytea, p_by text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO highway.artifact (tenant_id, sha256, bytes, content, created_by)
    VALUES (p_tenant, p_sha256, length(p_content), p_content, p_by)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

ALTER FUNCTION highway.store_artifact(p_tenant uuid, p_sha256 text, p_content bytea, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.store_module(p_tenant uuid, p_name text, p_sha256 text, p_by text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_newest highway.code_module;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text || p_name, 18));
    SELECT * INTO v_newest FROM highway.code_module AS m
     WHERE m.tenant_id = p_tenant AND m.name = p_name ORDER BY m.version DESC LIMIT 1;
    IF v_newest.sha256 = p_sha256 THEN
        RETURN v_newest.version;
    END IF;
    INSERT INTO highway.code_module (tenant_id, name, version, sha256, created_by)
    VALUES (p_tenant, p_name, coalesce(v_newest.version, 0) + 1, p_sha256, p_by);
    RETURN coalesce(v_newest.version, 0) + 1;
END
$$;

ALTER FUNCTION highway.store_module(p_tenant uuid, p_name text, p_sha256 text, p_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.submit(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_retry_of uuid, OUT workflow_run_id uuid, OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer, OUT status text) RETURNS record
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.submit(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_retry_of uuid, OUT workflow_run_id uuid, OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer, OUT status text) OWNER TO highway_owner;

CREATE FUNCTION highway.submit_flow(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_flow jsonb, OUT workflow_run_id uuid, OUT joined boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.submit_flow(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_flow jsonb, OUT workflow_run_id uuid, OUT joined boolean) OWNER TO highway_owner;

CREATE FUNCTION highway.submit_run(p_tenant uuid, p_definition uuid, p_inputs jsonb DEFAULT '{}'::jsonb, p_queue text DEFAULT 'default'::text, p_priority smallint DEFAULT 0, p_delay_seconds double precision DEFAULT 0, p_tags text[] DEFAULT '{}'::text[], p_attributes jsonb DEFAULT '{}'::jsonb, p_trigger text DEFAULT 'api'::text, p_triggered_by text DEFAULT ''::text, p_retry_of uuid DEFAULT NULL::uuid, p_parent_task uuid DEFAULT NULL::uuid, p_parent_run uuid DEFAULT NULL::uuid, p_parent_key text DEFAULT NULL::text, p_limits jsonb DEFAULT NULL::jsonb, p_partition_key text DEFAULT ''::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run uuid := highway.uuid7();
    v_now timestamptz := highway.now();
    v_starts timestamptz := v_now + make_interval(secs => greatest(coalesce(p_delay_seconds, 0), 0));
    v_state text := CASE WHEN v_starts > v_now THEN 'sleeping' ELSE 'pending' END;
    v_definition record;
    v_limits jsonb := p_limits;
    v_partition_key text := p_partition_key;
    v_admitted boolean := true;
BEGIN
    IF p_parent_run IS NOT NULL AND p_trigger = 'workflow' THEN  -- before it counts itself
        v_admitted := highway.admits_child(p_tenant, p_queue);
    END IF;
    IF p_retry_of IS NOT NULL THEN  -- what was asked for at the first submission holds for each that repeats it
        v_limits := coalesce(p_limits, (SELECT r.limits FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_retry_of));
        v_partition_key := coalesce(nullif(p_partition_key, ''), highway.partition_of(p_tenant, p_retry_of));
    END IF;
    SELECT d.definition_hash, d.name, d.version, d.limits, d.deadline_action, highway.deadline_from(v_starts, d.deadline_seconds) AS deadline_at
      INTO v_definition
      FROM highway.workflow_definition AS d
     WHERE d.tenant_id = p_tenant AND d.definition_id = p_definition;
    IF FOUND THEN
        INSERT INTO highway.workflow_run (
               tenant_id, workflow_run_id, definition_id, definition_hash, name, version, queue, priority, inputs, trigger, triggered_by,
               tags, attributes, parent_run_id, parent_key, retry_of, limits, created_at, status, deadline_at, deadline_action, started_by)
        VALUES (p_tenant, v_run, p_definition, v_definition.definition_hash, v_definition.name, v_definition.version, p_queue, p_priority, p_inputs,
                p_trigger, p_triggered_by, p_tags, p_attributes, p_parent_run, p_parent_key, p_retry_of, v_limits, v_now, v_state,
                v_definition.deadline_at, v_definition.deadline_action,
                CASE WHEN p_parent_run IS NOT NULL THEN highway.started_by(p_tenant, p_parent_run) END)  -- known even when the parent is forgotten
        ON CONFLICT (tenant_id, parent_run_id, parent_key) WHERE parent_run_id IS NOT NULL DO NOTHING;
    END IF;
    IF NOT FOUND THEN
        -- Either the definition is unknown, or this child was started before (then its id is the answer).
        RETURN (SELECT r.workflow_run_id FROM highway.workflow_run AS r
                 WHERE r.tenant_id = p_tenant AND r.parent_run_id = p_parent_run AND r.parent_key = p_parent_key);
    END IF;
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, queue, priority, state, available_at, parent_task_id, report_key,
                              partition_key, lane_seconds, gate)
    VALUES (p_tenant, v_run, v_run, 'workflow', p_queue, p_priority, v_state, v_starts, p_parent_task, p_parent_key,
            v_partition_key, CASE v_partition_key WHEN '' THEN 0 ELSE highway.lane_of(p_tenant, p_queue, v_partition_key, v_starts, p_priority) END,
            CASE WHEN v_definition.limits IS NOT NULL OR v_limits IS NOT NULL
                 THEN highway.gate_of(coalesce(v_definition.limits, '[]') || coalesce(v_limits, '[]'), v_definition.name, p_inputs) END);
    IF NOT v_admitted THEN
        PERFORM highway.stand_at_the_door(p_tenant, v_run);
    END IF;
    IF p_parent_run IS NOT NULL THEN
        PERFORM highway.pause_with_parent(p_tenant, v_run, p_parent_run);
    END IF;
    IF p_retry_of IS NOT NULL THEN
        PERFORM highway.stand_under_again(p_tenant, v_run, p_retry_of);
    END IF;
    PERFORM highway.hint_start(p_queue, v_starts);
    RETURN v_run;
END
$$;

ALTER FUNCTION highway.submit_run(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_retry_of uuid, p_parent_task uuid, p_parent_run uuid, p_parent_key text, p_limits jsonb, p_partition_key text) OWNER TO highway_owner;

CREATE FUNCTION highway.submit_runs(p_tenant uuid, p_definition uuid, p_inputs text[], p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now timestamptz := highway.now();
    v_starts timestamptz := v_now + make_interval(secs => greatest(coalesce(p_delay_seconds, 0), 0));
    v_state text := CASE WHEN v_starts > v_now THEN 'sleeping' ELSE 'pending' END;
    v_definition highway.workflow_definition;
    v_deadline timestamptz;
    v_ids uuid[];
BEGIN
    PERFORM highway.check_admission(p_tenant, p_queue, cardinality(p_inputs));
    SELECT * INTO v_definition FROM highway.workflow_definition AS d WHERE d.tenant_id = p_tenant AND d.definition_id = p_definition;
    IF NOT FOUND OR cardinality(p_inputs) = 0 THEN
        RETURN;
    END IF;
    v_deadline := highway.deadline_from(v_starts, v_definition.deadline_seconds);
    v_ids := ARRAY(SELECT highway.uuid7() FROM generate_series(1, cardinality(p_inputs)));
    INSERT INTO highway.workflow_run (
           tenant_id, workflow_run_id, definition_id, definition_hash, name, version, queue, priority, inputs, trigger, triggered_by,
           tags, attributes, created_at, status, deadline_at, deadline_action)
    SELECT p_tenant, i.id, p_definition, v_definition.definition_hash, v_definition.name, v_definition.version, p_queue, p_priority,
           i.inputs::jsonb, p_trigger, p_triggered_by, p_tags, p_attributes, v_now, v_state, v_deadline,
           v_definition.deadline_action
      FROM unnest(v_ids, p_inputs) AS i (id, inputs);
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, queue, priority, state, available_at, gate)
    SELECT p_tenant, i.id, i.id, 'workflow', p_queue, p_priority, v_state, v_starts,
           CASE WHEN v_definition.limits IS NOT NULL THEN highway.gate_of(v_definition.limits, v_definition.name, i.inputs::jsonb) END
      FROM unnest(v_ids, p_inputs) AS i (id, inputs);
    PERFORM highway.hint_start(p_queue, v_starts);
    RETURN QUERY SELECT unnest(v_ids);
END
$$;

ALTER FUNCTION highway.submit_runs(p_tenant uuid, p_definition uuid, p_inputs text[], p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text) OWNER TO highway_owner;

CREATE FUNCTION highway.take_run_key(p_tenant uuid, p_kind text, p_key text, p_inputs jsonb, p_how jsonb) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.take_run_key(p_tenant uuid, p_kind text, p_key text, p_inputs jsonb, p_how jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.take_slot(p_tenant uuid, p_key text, p_task uuid, p_run uuid, p_step text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.take_slot(p_tenant uuid, p_key text, p_task uuid, p_run uuid, p_step text) OWNER TO highway_owner;

CREATE FUNCTION highway.take_start(p_tenant uuid, p_key text, p_in_line boolean) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION highway.take_start(p_tenant uuid, p_key text, p_in_line boolean) OWNER TO highway_owner;

CREATE FUNCTION highway.task_places(p_tenant uuid, p_states text[], p_queues text[] DEFAULT NULL::text[], p_most integer DEFAULT 200) RETURNS TABLE(state text, queue text)
    LANGUAGE sql STABLE
    AS $$
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

ALTER FUNCTION highway.task_places(p_tenant uuid, p_states text[], p_queues text[], p_most integer) OWNER TO highway_owner;

CREATE FUNCTION highway.tell_of_breaker(p_tenant uuid, p_run uuid, p_scope text, p_step text, p_state text, p_workflow text, p_resource text) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (p_tenant, p_run, highway.now(), 'breaker_' || p_state, p_scope, p_step,
            jsonb_build_object('resource_key', p_resource, 'workflow_name', nullif(p_workflow, '')))
$$;

ALTER FUNCTION highway.tell_of_breaker(p_tenant uuid, p_run uuid, p_scope text, p_step text, p_state text, p_workflow text, p_resource text) OWNER TO highway_owner;

CREATE FUNCTION highway.turn_to_undoing(p_tenants uuid[], p_tasks uuid[], p_errors jsonb[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
    v_forked record;
BEGIN
    WITH turned AS (
        UPDATE highway.task AS t
           SET state = 'pending', phase = 'undoing', available_at = highway.now(), error = g.error, epoch = t.epoch + 1,
               claimed_by = NULL, running_steps = NULL, cancel_requested = false, pause_requested = false
          FROM unnest(p_tenants, p_tasks, p_errors) AS g (tenant_id, task_id, error)
         WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.kind = 'workflow' AND t.phase = '' AND highway.is_open(t.state)
           AND (EXISTS (SELECT FROM highway.compensation AS c WHERE c.tenant_id = t.tenant_id AND c.workflow_run_id = t.workflow_run_id)
                OR EXISTS (SELECT FROM highway.task AS f WHERE f.tenant_id = t.tenant_id AND f.workflow_run_id = t.workflow_run_id
                              AND f.task_id <> t.task_id AND f.claimed_by IS NOT NULL))
        RETURNING t.tenant_id, t.task_id
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING turned AS t WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id
    ), told AS (
        INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind) SELECT t.tenant_id, t.task_id, highway.now(), 'undoing' FROM turned AS t
    )
    SELECT array_agg(tenant_id), array_agg(task_id) INTO v_tenants, v_tasks FROM turned;
    IF v_tasks IS NOT NULL THEN
        -- A pause ends with the work that was paused.
        UPDATE highway.workflow_run AS r SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, paused_with = NULL
          FROM unnest(v_tenants, v_tasks) AS t (tenant_id, task_id)
         WHERE r.tenant_id = t.tenant_id AND r.workflow_run_id = t.task_id AND r.paused_at IS NOT NULL;
        -- What was under way is over, and so are its slots; the run itself goes on and keeps its own.
        PERFORM highway.free_slots(s.tenant_id, s.task_id, array_agg(s.step_key))
           FROM unnest(v_tenants, v_tasks) AS g (tenant_id, task_id) JOIN highway.slot AS s USING (tenant_id, task_id)
          WHERE s.step_key <> '' GROUP BY s.tenant_id, s.task_id;
        -- It waits for what it forked; nobody else would stop that.
        FOR v_forked IN
            SELECT f.tenant_id, array_agg(f.task_id) AS task_ids
              FROM unnest(v_tenants, v_tasks) AS g (tenant_id, task_id)
              JOIN highway.task AS f ON f.tenant_id = g.tenant_id AND f.parent_task_id = g.task_id AND f.kind <> 'workflow' AND highway.is_open(f.state)
             GROUP BY f.tenant_id
        LOOP
            PERFORM highway.cancel_tasks(v_forked.tenant_id, v_forked.task_ids, 'the run has ended');
        END LOOP;
        -- Whoever executed one of them does so no more.
        PERFORM highway.hint_work(), pg_notify('highway_control', '');
    END IF;
    RETURN QUERY SELECT unnest(v_tasks);
END
$$;

ALTER FUNCTION highway.turn_to_undoing(p_tenants uuid[], p_tasks uuid[], p_errors jsonb[]) OWNER TO highway_owner;

CREATE TABLE highway.compensation (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
    call jsonb NOT NULL,
    registered_at timestamp with time zone DEFAULT highway.now() NOT NULL
);

ALTER TABLE ONLY highway.compensation FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.compensation OWNER TO highway_owner;

CREATE FUNCTION highway.undone_among(p_tenant uuid, p_run uuid, p_scopes text[], p_keys text[]) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT string_agg(highway.step_path(c.scope, c.step_key), ', '::text ORDER BY c.seq) AS string_agg FROM ((UNNEST(undone_among.p_scopes, undone_among.p_keys) g(scope, step_key) JOIN highway.compensation c ON (((c.tenant_id = undone_among.p_tenant) AND (c.workflow_run_id = undone_among.p_run) AND (c.scope = g.scope) AND (c.step_key = g.step_key)))) JOIN highway.task t ON (((t.tenant_id = undone_among.p_tenant) AND (t.task_id = undone_among.p_run) AND (t.phase = 'undoing'::text)))));

ALTER FUNCTION highway.undone_among(p_tenant uuid, p_run uuid, p_scopes text[], p_keys text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.wait_standing(p_tenant uuid, p_task uuid) RETURNS TABLE(first_due timestamp with time zone, is_over boolean)
    LANGUAGE sql STABLE ROWS 1
    AS $$
    SELECT min(w.due_at),
           bool_or(coalesce(w.due_at <= highway.now(), false) OR coalesce(w.needed <= 0, false) OR e.name IS NOT NULL
                   OR w.given IS NOT NULL
                   OR w.kind = 'lock' AND highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') IS NOT NULL)
      FROM highway.wait AS w
      LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                                  AND e.name = w.event_name
     WHERE w.tenant_id = p_tenant AND w.task_id = p_task
$$;

ALTER FUNCTION highway.wait_standing(p_tenant uuid, p_task uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.waits_of(p_tenants uuid[], p_tasks uuid[]) RETURNS TABLE(tenant_id uuid, task_id uuid, step_key text, kind text, attempt integer, request jsonb, due boolean, emitted boolean, payload jsonb, given jsonb, joined boolean, ticket bigint, tasks jsonb)
    LANGUAGE sql STABLE
    AS $$
    SELECT w.tenant_id, w.task_id, w.step_key, w.kind, w.attempt, w.request,
           coalesce(w.due_at <= highway.now(), false) AS due,
           (e.name IS NOT NULL) AS emitted, e.payload, nullif(w.given, '{"lapsed": true}') AS given,
           coalesce(w.needed <= 0, false) AS joined,
           CASE WHEN w.kind = 'lock' THEN highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') END AS ticket,
           CASE WHEN w.kind = 'tasks' AND (w.needed <= 0 OR w.due_at <= highway.now()) THEN (
               SELECT jsonb_object_agg(a.key, jsonb_build_object(
                          'status', coalesce(t.state, 'failed'), 'workflow_run_id', t.workflow_run_id,
                          -- At the end of a task only how its forks ended counts, and they may have given much.
                          'result', CASE WHEN w.step_key <> '@open' THEN t.result END,
                          'error', CASE WHEN t.task_id IS NULL THEN jsonb_build_object(
                              'kind', 'branch', 'type', 'UnknownTask', 'retryable', false,
                              'message', 'this task has started no such branch, activity or child') ELSE t.error END))
                 FROM unnest(w.awaited) AS a (key)
                 LEFT JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.parent_task_id = w.task_id AND t.report_key = a.key) END AS tasks
      FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)
      JOIN highway.wait AS w USING (tenant_id, task_id)
      LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                                  AND e.name = w.event_name
$$;

ALTER FUNCTION highway.waits_of(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.wake_answered(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.state = 'sleeping'
       AND EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id
                      AND w.kind = 'person' AND w.given IS NOT NULL)
$$;

ALTER FUNCTION highway.wake_answered(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.wake_event_waiters(p_tenants uuid[], p_runs uuid[], p_names text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM highway.wake_tasks(array_agg(w.tenant_id), array_agg(w.task_id))
       FROM unnest(p_tenants, p_runs, p_names) AS e (tenant_id, workflow_run_id, name)
       JOIN highway.wait AS w ON w.tenant_id = e.tenant_id AND w.workflow_run_id = e.workflow_run_id
                             AND w.kind = 'event' AND w.event_name = e.name
     HAVING count(*) > 0;
END
$$;

ALTER FUNCTION highway.wake_event_waiters(p_tenants uuid[], p_runs uuid[], p_names text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.wake_tasks(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.task AS t
       SET state = 'pending', available_at = highway.now()
      FROM (SELECT DISTINCT g.tenant_id, g.task_id FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)) AS g
     WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.state = 'sleeping';
    PERFORM highway.hint_about(p_tenants, p_tasks);
END
$$;

ALTER FUNCTION highway.wake_tasks(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.why_at_the_door(p_tenant uuid, p_queue text) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN highway.is_draining(p_tenant, p_queue) THEN format('the queue %L is draining: it takes no new runs'::text, p_queue) WHEN (highway.backlog(p_tenant, highway.backlog_cap(p_tenant)) >= highway.backlog_cap(p_tenant)) THEN format('%s runs of the tenant are waiting to start, and %s is the limit'::text, highway.backlog(p_tenant, highway.backlog_cap(p_tenant)), highway.backlog_cap(p_tenant)) ELSE NULL::text END;

ALTER FUNCTION highway.why_at_the_door(p_tenant uuid, p_queue text) OWNER TO highway_owner;

CREATE FUNCTION highway.why_no_say(a highway.approval, p_by text, p_names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ((NOT (a).allow_self) AND ((a).requested_by && (p_names || p_by))) THEN (p_by || ' has started what asks for this approval, and cannot decide it'::text) WHEN ((jsonb_array_length((((a).stages -> (a).stage) -> 'approvers'::text)) > 0) AND (NOT ((((a).stages -> (a).stage) -> 'approvers'::text) ?| (p_names || p_by)))) THEN ((p_by || ' is not one of those who decide this now: '::text) || (SELECT string_agg(n.value, ', '::text) AS string_agg FROM jsonb_array_elements_text((((why_no_say.a).stages -> (why_no_say.a).stage) -> 'approvers'::text)) n(value))) ELSE NULL::text END;

ALTER FUNCTION highway.why_no_say(a highway.approval, p_by text, p_names text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.why_not_claimed(t highway.task, OUT code text, OUT words text, OUT until timestamp with time zone, OUT data jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    c_all CONSTANT uuid := '00000000-0000-0000-0000-000000000000'::uuid;
    v_tenant highway.tenant_policy;
    v_queue highway.queue_policy;
    v_figure bigint;
    v_gate jsonb := t.gate -> 0;
    v_last jsonb;
BEGIN
    IF t.state = 'running' THEN
        IF NOT EXISTS (SELECT FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) THEN
            code := 'worker_gone'; words := 'its worker is gone; another one takes it over in a moment';
        ELSIF t.cancel_requested THEN
            SELECT 'stopping', format('asked to stop; worker %s is ending the step under way', w.name), jsonb_build_object('worker', w.name)
              INTO code, words, data FROM highway.worker AS w WHERE w.worker_id = t.claimed_by;
        END IF;
        RETURN;
    ELSIF t.state = 'sleeping' THEN
        IF v_gate ->> 'kind' = 'rate' AND (v_gate -> 'in_line')::boolean THEN
            code := 'rate'; until := t.available_at; data := jsonb_build_object('limit', v_gate ->> 'key');
            words := format('''%s'' allows %s starts in %s s; the next one is its own', v_gate ->> 'key', v_gate ->> 'limit',
                            (v_gate ->> 'per_seconds')::float8);
        ELSIF t.attempt = 0 AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = t.tenant_id AND s.task_id = t.task_id)
              AND NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id AND w.kind = 'room') THEN
            code := 'delayed'; words := 'its start is delayed'; until := t.available_at;
        ELSIF NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id)
              AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = t.tenant_id AND s.task_id = t.task_id AND s.granted_at IS NULL) THEN
            code := 'deferred'; words := 'it was put back and is tried again in a moment'; until := t.available_at;
            SELECT j.data INTO v_last
              FROM (SELECT * FROM highway.journal AS o WHERE o.tenant_id = t.tenant_id AND o.workflow_run_id = t.workflow_run_id
                     ORDER BY o.seq DESC LIMIT 100) AS j
             WHERE j.kind = 'deferred' AND j.scope = t.key ORDER BY j.seq DESC LIMIT 1;
            IF t.rescues > 0 THEN
                words := format('its worker died %s times in a row; it is tried again after a pause', t.rescues);
                data := jsonb_build_object('rescues', t.rescues);
            ELSIF FOUND THEN
                data := v_last;
                words := format('worker %s does not have the tool ''%s''; it was put back for one that has it', v_last ->> 'worker', v_last ->> 'tool');
            END IF;
        END IF;
        RETURN;
    ELSIF t.state <> 'pending' THEN
        RETURN;
    END IF;
    SELECT * INTO v_tenant FROM highway.tenant_policy AS p WHERE p.tenant_id = t.tenant_id;
    IF v_tenant.paused_at IS NOT NULL THEN
        code := 'tenant_paused'; words := 'the tenant was paused' || highway.said_by(v_tenant.paused_by, v_tenant.pause_reason);
        data := jsonb_build_object('by', v_tenant.paused_by, 'reason', v_tenant.pause_reason);
        RETURN;
    END IF;
    SELECT * INTO v_queue FROM highway.queue_policy AS p
     WHERE p.tenant_id IN (t.tenant_id, c_all) AND p.queue = t.queue AND p.paused_at IS NOT NULL ORDER BY p.paused_at LIMIT 1;
    IF FOUND THEN
        code := 'queue_paused'; words := format('the queue ''%s'' was paused', t.queue) || highway.said_by(v_queue.paused_by, v_queue.pause_reason);
        data := jsonb_build_object('queue', t.queue, 'by', v_queue.paused_by, 'reason', v_queue.pause_reason);
        RETURN;
    END IF;
    IF v_tenant.max_running IS NOT NULL AND NOT v_tenant.exempt THEN
        v_figure := (SELECT count(*) FROM highway.task AS b WHERE b.state = 'running' AND b.tenant_id = t.tenant_id);
        IF v_figure >= v_tenant.max_running THEN
            code := 'tenant_full'; data := jsonb_build_object('limit', v_tenant.max_running);
            words := format('%s tasks of the tenant are running, and %s is the cap', v_figure, v_tenant.max_running);
            RETURN;
        END IF;
    END IF;
    FOR v_queue IN SELECT * FROM highway.queue_policy AS p
                    WHERE p.tenant_id IN (t.tenant_id, c_all) AND p.queue = t.queue AND p.max_running IS NOT NULL ORDER BY p.max_running
    LOOP
        v_figure := (SELECT count(*) FROM highway.task AS b
                      WHERE b.state = 'running' AND b.queue = t.queue AND v_queue.tenant_id IN (b.tenant_id, c_all));
        IF v_figure >= v_queue.max_running THEN
            code := 'queue_full'; data := jsonb_build_object('queue', t.queue, 'limit', v_queue.max_running);
            words := format('%s tasks of the queue ''%s'' are running, and %s is the cap', v_figure, t.queue, v_queue.max_running);
            RETURN;
        END IF;
    END LOOP;
    data := jsonb_build_object('queue', t.queue);
    SELECT CASE WHEN count(*) = 0 THEN format('no live worker serves the queue ''%s''', t.queue)
                WHEN NOT bool_or(w.requested_state = 'active' AND NOT w.draining)
                THEN format('every worker of the queue ''%s'' is paused or draining', t.queue) END
      INTO words FROM highway.worker AS w WHERE w.lease_expires_at > highway.now() AND t.queue = ANY (w.queues);
    IF words IS NOT NULL THEN
        code := 'no_worker';
        RETURN;
    END IF;
    v_figure := (SELECT count(*) FROM (
        SELECT FROM highway.task AS o
         WHERE o.state = 'pending' AND o.queue = t.queue AND o.tenant_id = t.tenant_id
           AND highway.turn_of(o.available_at, o.priority, o.lane_seconds) < highway.turn_of(t.available_at, t.priority, t.lane_seconds)
         LIMIT 1000) AS ahead);
    code := 'queued'; data := data || jsonb_build_object('ahead', v_figure);
    words := CASE v_figure WHEN 0 THEN format('queued in ''%s'': it is the next of its tenant', t.queue)
                           WHEN 1000 THEN format('queued in ''%s'' behind a thousand others of its tenant, or more', t.queue)
                           ELSE format('queued in ''%s'' behind %s of its tenant', t.queue, v_figure) END;
END
$$;

ALTER FUNCTION highway.why_not_claimed(t highway.task, OUT code text, OUT words text, OUT until timestamp with time zone, OUT data jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.why_step_waits(w highway.wait, OUT code text, OUT words text, OUT data jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_error text := coalesce(w.error ->> 'message', 'unknown error');
BEGIN
    code := w.kind;
    data := CASE WHEN w.event_name IS NOT NULL THEN jsonb_build_object('name', w.event_name)
                 WHEN w.kind IN ('retry', 'person') THEN jsonb_build_object('attempt', w.attempt)
                 WHEN w.kind = 'tasks' THEN jsonb_build_object('needed', w.needed, 'of', cardinality(w.awaited)) ELSE '{}' END;
    CASE
    WHEN w.kind = 'timer' THEN words := 'sleeping';
    WHEN w.kind = 'event' THEN words := format('waiting for the event ''%s''', w.event_name);
    WHEN w.kind = 'signal' THEN words := format('waiting for a signal ''%s''', w.event_name);
    WHEN w.kind = 'update' THEN words := format('waiting for an update ''%s''', w.event_name);
    WHEN w.kind = 'tasks' THEN words := format('waiting for %s of %s branches or children', w.needed, cardinality(w.awaited));
    WHEN w.kind = 'retry' AND w.error ->> 'kind' = 'circuit_open' THEN
        code := 'breaker'; words := format('the call of attempt %s was not made (%s); the next attempt follows', w.attempt, v_error);
    WHEN w.kind = 'retry' THEN words := format('attempt %s failed (%s); the next one follows', w.attempt, v_error);
    WHEN w.kind = 'person' AND w.request ->> 'kind' = 'exhausted' THEN
        words := format('waiting for a person: attempt %s failed (%s) and no more are left', w.attempt, v_error);
    WHEN w.kind = 'person' THEN words := 'waiting for a person';
    WHEN w.kind = 'approval' THEN
        SELECT jsonb_build_object('approval_id', a.approval_id, 'expires_at', a.expires_at, 'message', a.message, 'stage', a.stage + 1,
                                  'stages', jsonb_array_length(a.stages), 'approvers', a.stages -> a.stage -> 'approvers',
                                  'quorum', a.stages -> a.stage -> 'quorum',
                                  'agreed', (SELECT count(*) FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id
                                                AND v.approval_id = a.approval_id AND v.stage = a.stage))
          INTO data
          FROM highway.approval AS a
         WHERE a.tenant_id = w.tenant_id AND a.task_id = w.task_id AND a.step_key = w.step_key AND a.state = 'pending';
        words := format('needs approval: %s (%s of %s', data ->> 'message', data -> 'agreed', data -> 'quorum')
                 || CASE WHEN data -> 'approvers' <> '[]' THEN ' of ' || (SELECT string_agg(n, ', ') FROM jsonb_array_elements_text(data -> 'approvers') AS n)
                         ELSE '' END
                 || CASE WHEN (data ->> 'stages')::integer > 1 THEN format(', stage %s of %s', data -> 'stage', data -> 'stages') ELSE '' END || ')';
    WHEN w.kind = 'slot' AND w.due_at IS NOT NULL THEN
        code := 'rate'; data := jsonb_build_object('limit', w.request ->> 'key');
        words := format('more starts of ''%s'' than its rate allows; the next is its own', w.request ->> 'key');
    WHEN w.kind IN ('slot', 'lock', 'room', 'start') THEN code := NULL;
    ELSE words := format('waiting (%s)', w.kind);
    END CASE;
END
$$;

ALTER FUNCTION highway.why_step_waits(w highway.wait, OUT code text, OUT words text, OUT data jsonb) OWNER TO highway_owner;

CREATE FUNCTION highway.why_waiting(p_tenant uuid, p_run uuid) RETURNS TABLE(code text, words text, scope text, step_key text, until timestamp with time zone, data jsonb)
    LANGUAGE sql STABLE
    AS $$
    WITH run AS (
        SELECT r.* FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND r.finished_at IS NULL
    ), open_task AS MATERIALIZED (
        SELECT t AS row, t.key, t.task_id, t.tenant_id FROM run AS r JOIN highway.task AS t USING (tenant_id, workflow_run_id)
         WHERE highway.is_open(t.state)
    ), reason AS (
        SELECT 1 AS rank, 0::bigint AS n, 'paused' AS code,
               CASE r.status WHEN 'paused' THEN 'paused' ELSE 'asked to pause' END
               || highway.said_by(coalesce(nullif(r.paused_by, ''), 'somebody'), r.pause_reason) AS words,
               '' AS scope, '' AS step_key, NULL::timestamptz AS until, jsonb_build_object('by', r.paused_by, 'reason', r.pause_reason) AS data
          FROM run AS r WHERE r.paused_at IS NOT NULL
         UNION ALL
        SELECT CASE WHEN y.code IN ('no_worker', 'queued', 'worker_gone', 'stopping', 'delayed', 'deferred') THEN 4 ELSE 2 END,
               row_number() OVER (ORDER BY o.task_id), y.code, y.words, o.key, '', y.until, coalesce(y.data, '{}')
          FROM open_task AS o CROSS JOIN LATERAL highway.why_not_claimed(o.row) AS y
         WHERE y.code IS NOT NULL
         UNION ALL
        SELECT 2, 0, 'admission', coalesce('not let in yet: ' || highway.why_at_the_door(o.tenant_id, (o.row).queue),
                                           'there is room for it now: it comes in in a moment'),
               o.key, '', NULL, jsonb_build_object('queue', (o.row).queue)
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id AND w.kind = 'room'
         UNION ALL
        SELECT 3, s.seq, 'limit',
               format('number %s in line for one of the %s slots of ''%s''', l.position, f.capacity, s.key)
               || CASE WHEN cardinality(l.holders) > 0 THEN ', held by ' || array_to_string(l.holders[:3], ', ') ELSE '' END
               || CASE WHEN cardinality(l.holders) > 3 THEN format(' and %s more', cardinality(l.holders) - 3) ELSE '' END,
               o.key, s.step_key, NULL,
               jsonb_build_object('limit', s.key, 'capacity', f.capacity, 'position', l.position, 'holders', to_jsonb(l.holders))
          FROM open_task AS o
          JOIN highway.slot AS s ON s.tenant_id = o.tenant_id AND s.task_id = o.task_id AND s.granted_at IS NULL
          JOIN highway.flow_limit AS f ON f.tenant_id = s.tenant_id AND f.kind = 'concurrency' AND f.key = s.key
         CROSS JOIN LATERAL (
               SELECT ARRAY(SELECT DISTINCT h.workflow_run_id FROM (SELECT u.workflow_run_id FROM highway.slot AS u
                             WHERE u.tenant_id = s.tenant_id AND u.key = s.key AND u.granted_at IS NOT NULL LIMIT 20) AS h) AS holders,
                      (SELECT count(*) FROM (SELECT FROM highway.slot AS u WHERE u.tenant_id = s.tenant_id AND u.key = s.key
                                                AND u.granted_at IS NULL AND u.seq <= s.seq LIMIT 10000) AS ahead) AS position) AS l
         UNION ALL
        SELECT 5, n.ticket, 'lock',
               CASE l.ahead WHEN 0 THEN format('the lock ''%s'' has come to it; it goes on in a moment', n.name)
                    ELSE format('waiting in line for the lock ''%s'': run %s holds it', n.name, first.workflow_run_id)
                         || coalesce(to_char(first.acquired_at AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI:SS" UTC"'), '')
                         || CASE WHEN l.ahead > 1 THEN format(', %s others are before it', l.ahead - 1) ELSE '' END END,
               o.key, w.step_key, w.due_at, jsonb_build_object('lock', n.name, 'holder', first.workflow_run_id, 'ahead', l.ahead)
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id AND w.kind = 'lock'
          JOIN highway.named_lock AS n ON n.tenant_id = w.tenant_id AND n.task_id = w.task_id AND n.step_key = coalesce(w.request ->> 'ticket', w.step_key)
         CROSS JOIN LATERAL (SELECT u.workflow_run_id, u.acquired_at FROM highway.named_lock AS u
                              WHERE u.tenant_id = n.tenant_id AND u.name = n.name ORDER BY u.ticket LIMIT 1) AS first
         CROSS JOIN LATERAL (SELECT count(*) AS ahead FROM (SELECT FROM highway.named_lock AS u
                              WHERE u.tenant_id = n.tenant_id AND u.name = n.name AND u.ticket < n.ticket LIMIT 10000) AS before) AS l
         UNION ALL
        SELECT CASE w.kind WHEN 'slot' THEN 5 WHEN 'tasks' THEN 7 ELSE 6 END,
               row_number() OVER (ORDER BY w.created_at, w.step_key), y.code, y.words, o.key, w.step_key,
               coalesce(w.due_at, (y.data ->> 'expires_at')::timestamptz), coalesce(y.data, '{}')
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id
         CROSS JOIN LATERAL highway.why_step_waits(w) AS y
         WHERE y.code IS NOT NULL
    )
    SELECT r.code, r.words, r.scope, r.step_key, r.until, r.data FROM reason AS r ORDER BY r.rank, r.n
$$;

ALTER FUNCTION highway.why_waiting(p_tenant uuid, p_run uuid) OWNER TO highway_owner;

CREATE FUNCTION highway.withdraw_approval() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.approval AS a SET state = 'withdrawn', decided_at = highway.now()
     WHERE a.tenant_id = OLD.tenant_id AND a.task_id = OLD.task_id AND a.step_key = OLD.step_key AND a.state = 'pending';
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.withdraw_approval() OWNER TO highway_owner;

CREATE TABLE highway.activity_heartbeat (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    slot smallint NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    attempt integer NOT NULL,
    worker_id uuid,
    details jsonb,
    CONSTRAINT activity_heartbeat_slot_check CHECK (((slot >= 0) AND (slot <= 99)))
);

ALTER TABLE ONLY highway.activity_heartbeat FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.activity_heartbeat OWNER TO highway_owner;

CREATE TABLE highway.approval_token (
    tenant_id uuid NOT NULL,
    digest text NOT NULL,
    approval_id uuid NOT NULL,
    person text NOT NULL,
    names text[] DEFAULT '{}'::text[] NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT approval_token_person_check CHECK ((person <> ''::text))
);

ALTER TABLE ONLY highway.approval_token FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.approval_token OWNER TO highway_owner;

CREATE TABLE highway.approval_vote (
    tenant_id uuid NOT NULL,
    approval_id uuid NOT NULL,
    stage integer NOT NULL,
    person text NOT NULL,
    vote text NOT NULL,
    comment text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT approval_vote_person_check CHECK ((person <> ''::text)),
    CONSTRAINT approval_vote_vote_check CHECK ((vote = ANY (ARRAY['approve'::text, 'reject'::text])))
);

ALTER TABLE ONLY highway.approval_vote FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.approval_vote OWNER TO highway_owner;

CREATE TABLE highway.artifact (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL,
    bytes integer NOT NULL,
    content bytea NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    created_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT artifact_check CHECK (((bytes = length(content)) AND (bytes <= ((16 * 1024) * 1024)))),
    CONSTRAINT artifact_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);
ALTER TABLE ONLY highway.artifact ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY highway.artifact FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.artifact OWNER TO highway_owner;

CREATE TABLE highway.blob (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL,
    bytes integer NOT NULL,
    content bytea NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT blob_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

ALTER TABLE ONLY highway.blob FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.blob OWNER TO highway_owner;

CREATE TABLE highway.blob_reference (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    sha256 text NOT NULL
);

ALTER TABLE ONLY highway.blob_reference FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.blob_reference OWNER TO highway_owner;

CREATE TABLE highway.breaker (
    tenant_id uuid NOT NULL,
    workflow_name text DEFAULT ''::text NOT NULL,
    resource_key text NOT NULL,
    state text DEFAULT 'closed'::text NOT NULL,
    consecutive_failures integer DEFAULT 0 NOT NULL,
    successes integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    probe_task_id uuid,
    probe_epoch integer,
    probe_step text,
    last_error jsonb,
    last_failure_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    changed_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT breaker_check CHECK (((state = 'open'::text) = (open_until IS NOT NULL))),
    CONSTRAINT breaker_check1 CHECK (((state = 'half_open'::text) OR (probe_task_id IS NULL))),
    CONSTRAINT breaker_resource_key_check CHECK (((length(resource_key) >= 1) AND (length(resource_key) <= 200))),
    CONSTRAINT breaker_state_check CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])))
)
WITH (fillfactor='50');

ALTER TABLE ONLY highway.breaker FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.breaker OWNER TO highway_owner;

CREATE TABLE highway.checkpoint (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    seq bigint DEFAULT highway.next_story() NOT NULL,
    operator text NOT NULL,
    outcome text NOT NULL,
    attempt integer DEFAULT 1 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    worker_id uuid,
    reason text,
    input jsonb,
    result jsonb,
    error jsonb,
    variables jsonb,
    CONSTRAINT checkpoint_outcome_check CHECK ((outcome = ANY ('{succeeded,failed,skipped}'::text[])))
);

ALTER TABLE ONLY highway.checkpoint FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.checkpoint OWNER TO highway_owner;

CREATE TABLE highway.counter (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY highway.counter FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.counter OWNER TO highway_owner;

CREATE TABLE highway.dead_letter (
    tenant_id uuid NOT NULL,
    dead_letter_id uuid DEFAULT highway.uuid7() NOT NULL,
    reason text NOT NULL,
    workflow_run_id uuid,
    task_id uuid,
    scope text DEFAULT ''::text NOT NULL,
    step_key text DEFAULT ''::text NOT NULL,
    error jsonb NOT NULL,
    request jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    requeued_at timestamp with time zone,
    requeued_by text,
    requeued_run_id uuid,
    CONSTRAINT dead_letter_check CHECK (((requeued_at IS NULL) = (requeued_run_id IS NULL))),
    CONSTRAINT dead_letter_reason_check CHECK ((reason = ANY (ARRAY['poison'::text, 'definition'::text, 'storage'::text, 'divergence'::text, 'internal'::text, 'activity'::text, 'schedule'::text])))
);

ALTER TABLE ONLY highway.dead_letter FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.dead_letter OWNER TO highway_owner;

CREATE TABLE highway.embedding (
    tenant_id uuid NOT NULL,
    model text NOT NULL,
    digest text NOT NULL,
    embedding real[] NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT embedding_digest_check CHECK ((length(digest) = 64))
);

ALTER TABLE ONLY highway.embedding FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.embedding OWNER TO highway_owner;

CREATE TABLE highway.event (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    name text NOT NULL,
    seq bigint DEFAULT highway.next_story() NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    emitted_by text DEFAULT ''::text NOT NULL,
    payload jsonb
);

ALTER TABLE ONLY highway.event FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.event OWNER TO highway_owner;

CREATE TABLE highway.health (
    measure text NOT NULL,
    value double precision NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE highway.health OWNER TO highway_owner;

CREATE TABLE highway.idempotency (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    response_status smallint,
    response jsonb,
    workflow_run_id uuid,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);

ALTER TABLE ONLY highway.idempotency FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.idempotency OWNER TO highway_owner;

CREATE TABLE highway.journal (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint DEFAULT highway.next_story() NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    kind text NOT NULL,
    scope text DEFAULT ''::text NOT NULL,
    step_key text DEFAULT ''::text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE ONLY highway.journal FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.journal OWNER TO highway_owner;

CREATE TABLE highway.migration (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE highway.migration OWNER TO highway_owner;

CREATE TABLE highway.passage (
    tenant_id uuid NOT NULL,
    collection text NOT NULL,
    document_id text NOT NULL,
    "position" integer NOT NULL,
    model text NOT NULL,
    content text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    embedding real[] NOT NULL,
    indexed_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT passage_collection_check CHECK (((length(collection) >= 1) AND (length(collection) <= 200))),
    CONSTRAINT passage_document_id_check CHECK (((length(document_id) >= 1) AND (length(document_id) <= 500))),
    CONSTRAINT passage_embedding_check CHECK (((cardinality(embedding) >= 1) AND (cardinality(embedding) <= 16000))),
    CONSTRAINT passage_position_check CHECK (("position" >= 0))
);
ALTER TABLE ONLY highway.passage ALTER COLUMN embedding SET STORAGE EXTERNAL;

ALTER TABLE ONLY highway.passage FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.passage OWNER TO highway_owner;

CREATE TABLE highway.retention_policy (
    tenant_id uuid NOT NULL,
    keep_completed_days integer,
    keep_failed_days integer,
    changed_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    changed_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT retention_policy_keep_completed_days_check CHECK ((keep_completed_days > 0)),
    CONSTRAINT retention_policy_keep_failed_days_check CHECK ((keep_failed_days > 0))
);

ALTER TABLE ONLY highway.retention_policy FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.retention_policy OWNER TO highway_owner;

CREATE TABLE highway.run_attribute (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    workflow_run_id uuid NOT NULL
);

ALTER TABLE ONLY highway.run_attribute FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.run_attribute OWNER TO highway_owner;

CREATE TABLE highway.run_code (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    reference text NOT NULL,
    sha256 text NOT NULL,
    version integer,
    chosen_at timestamp with time zone DEFAULT highway.now() NOT NULL
);

ALTER TABLE ONLY highway.run_code FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.run_code OWNER TO highway_owner;

CREATE TABLE highway.run_key (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    workflow_run_id uuid,
    since timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT run_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT run_key_kind_check CHECK ((kind = ANY (ARRAY['singleton'::text, 'debounce'::text, 'batch'::text])))
)
WITH (fillfactor='70');

ALTER TABLE ONLY highway.run_key FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.run_key OWNER TO highway_owner;

CREATE TABLE highway.schedule (
    tenant_id uuid NOT NULL,
    schedule_id uuid DEFAULT highway.uuid7() NOT NULL,
    name text NOT NULL,
    source text DEFAULT 'api'::text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    workflow_name text NOT NULL,
    definition_id uuid,
    timing text NOT NULL,
    zone text DEFAULT 'UTC'::text NOT NULL,
    skipped text DEFAULT 'shift'::text NOT NULL,
    doubled text DEFAULT 'once'::text NOT NULL,
    overlap text DEFAULT 'skip'::text NOT NULL,
    catchup text DEFAULT 'last'::text NOT NULL,
    catchup_limit integer DEFAULT 100 NOT NULL,
    catchup_seconds double precision,
    jitter_seconds integer DEFAULT 0 NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    inputs jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    max_failures integer,
    resumed_at timestamp with time zone,
    paused_at timestamp with time zone,
    paused_by text,
    pause_reason text,
    anchor_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    last_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    next_at timestamp with time zone,
    due_at timestamp with time zone,
    trouble text,
    checked_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    created_by text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    forgotten_to timestamp with time zone,
    CONSTRAINT schedule_catchup_check CHECK ((catchup = ANY (ARRAY['none'::text, 'last'::text, 'all'::text]))),
    CONSTRAINT schedule_catchup_limit_check CHECK (((catchup_limit >= 1) AND (catchup_limit <= 10000))),
    CONSTRAINT schedule_catchup_seconds_check CHECK ((catchup_seconds > (0)::double precision)),
    CONSTRAINT schedule_check CHECK (((state = 'active'::text) = (due_at IS NOT NULL))),
    CONSTRAINT schedule_check1 CHECK (((state <> 'active'::text) OR (next_at IS NOT NULL))),
    CONSTRAINT schedule_check2 CHECK (((state = 'paused'::text) = (paused_at IS NOT NULL))),
    CONSTRAINT schedule_doubled_check CHECK ((doubled = ANY (ARRAY['once'::text, 'twice'::text]))),
    CONSTRAINT schedule_jitter_seconds_check CHECK (((jitter_seconds >= 0) AND (jitter_seconds <= 86400))),
    CONSTRAINT schedule_max_failures_check CHECK ((max_failures > 0)),
    CONSTRAINT schedule_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT schedule_overlap_check CHECK ((overlap = ANY (ARRAY['allow'::text, 'skip'::text, 'buffer_one'::text, 'buffer_all'::text, 'cancel_other'::text]))),
    CONSTRAINT schedule_skipped_check CHECK ((skipped = ANY (ARRAY['shift'::text, 'skip'::text]))),
    CONSTRAINT schedule_source_check CHECK ((source = ANY (ARRAY['api'::text, 'definition'::text]))),
    CONSTRAINT schedule_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text, 'deleted'::text])))
)
WITH (fillfactor='70');

ALTER TABLE ONLY highway.schedule FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.schedule OWNER TO highway_owner;

CREATE TABLE highway.schedule_tick (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    tick_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    workflow_run_id uuid,
    reason text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    decided_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT schedule_tick_check CHECK (((outcome = 'fired'::text) = (workflow_run_id IS NOT NULL))),
    CONSTRAINT schedule_tick_kind_check CHECK ((kind = ANY (ARRAY['scheduled'::text, 'manual'::text, 'backfill'::text]))),
    CONSTRAINT schedule_tick_outcome_check CHECK ((outcome = ANY (ARRAY['fired'::text, 'waiting'::text, 'skipped'::text, 'missed'::text, 'failed'::text])))
)
WITH (fillfactor='90');

ALTER TABLE ONLY highway.schedule_tick FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.schedule_tick OWNER TO highway_owner;

CREATE TABLE highway.signal (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint DEFAULT highway.next_story() NOT NULL,
    name text NOT NULL,
    payload jsonb,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    sent_by text DEFAULT ''::text NOT NULL,
    taken_by text,
    taken_at timestamp with time zone
);

ALTER TABLE ONLY highway.signal FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.signal OWNER TO highway_owner;

CREATE TABLE highway.slot_mark (
    tenant_id uuid NOT NULL,
    mark_id uuid DEFAULT highway.uuid7() NOT NULL,
    key text NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02');

ALTER TABLE ONLY highway.slot_mark FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.slot_mark OWNER TO highway_owner;

CREATE TABLE highway.story_mark (
    only_one boolean DEFAULT true NOT NULL,
    settled bigint DEFAULT 0 NOT NULL,
    drawn bigint DEFAULT 0 NOT NULL,
    older_than xid8 DEFAULT '0'::xid8 NOT NULL,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT story_mark_only_one_check CHECK (only_one)
)
WITH (fillfactor='50');

ALTER TABLE highway.story_mark OWNER TO highway_owner;

CREATE TABLE highway.update_request (
    tenant_id uuid NOT NULL,
    update_id uuid DEFAULT highway.uuid7() NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
    name text NOT NULL,
    payload jsonb,
    state text DEFAULT 'pending'::text NOT NULL,
    result jsonb,
    error jsonb,
    requested_by text DEFAULT ''::text NOT NULL,
    requested_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    taken_by text,
    taken_at timestamp with time zone,
    answered_at timestamp with time zone,
    CONSTRAINT update_request_check CHECK (((state = ANY (ARRAY['completed'::text, 'failed'::text])) = (answered_at IS NOT NULL))),
    CONSTRAINT update_request_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'taken'::text, 'completed'::text, 'failed'::text])))
);

ALTER TABLE ONLY highway.update_request FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.update_request OWNER TO highway_owner;

CREATE TABLE highway.variable (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    value jsonb,
    version integer DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY highway.variable FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.variable OWNER TO highway_owner;

CREATE TABLE highway.worker (
    worker_id uuid NOT NULL,
    name text NOT NULL,
    lock_key bigint NOT NULL,
    queues text[] NOT NULL,
    slots integer NOT NULL,
    code_version text DEFAULT ''::text NOT NULL,
    started_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    lease_expires_at timestamp with time zone NOT NULL,
    running integer DEFAULT 0 NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    listens boolean DEFAULT true NOT NULL,
    capacity integer DEFAULT 0 NOT NULL,
    requested_state text DEFAULT 'active'::text NOT NULL,
    requested_reason text DEFAULT ''::text NOT NULL,
    capacity_override integer,
    batch_override integer,
    CONSTRAINT worker_batch_override_check CHECK ((batch_override > 0)),
    CONSTRAINT worker_capacity_override_check CHECK ((capacity_override > 0)),
    CONSTRAINT worker_requested_state_check CHECK ((requested_state = ANY (ARRAY['active'::text, 'paused'::text, 'draining'::text])))
)
WITH (fillfactor='50');

ALTER TABLE highway.worker OWNER TO highway_owner;

ALTER TABLE ONLY highway.activity_heartbeat
    ADD CONSTRAINT activity_heartbeat_pkey PRIMARY KEY (tenant_id, task_id, slot);

ALTER TABLE ONLY highway.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (tenant_id, task_id);

ALTER TABLE ONLY highway.approval
    ADD CONSTRAINT approval_pkey PRIMARY KEY (tenant_id, approval_id);

ALTER TABLE ONLY highway.approval_token
    ADD CONSTRAINT approval_token_pkey PRIMARY KEY (tenant_id, digest);

ALTER TABLE ONLY highway.approval_vote
    ADD CONSTRAINT approval_vote_pkey PRIMARY KEY (tenant_id, approval_id, person);

ALTER TABLE ONLY highway.artifact
    ADD CONSTRAINT artifact_pkey PRIMARY KEY (tenant_id, sha256);

ALTER TABLE ONLY highway.blob
    ADD CONSTRAINT blob_pkey PRIMARY KEY (tenant_id, sha256);

ALTER TABLE ONLY highway.blob_reference
    ADD CONSTRAINT blob_reference_pkey PRIMARY KEY (tenant_id, workflow_run_id, sha256);

ALTER TABLE ONLY highway.breaker
    ADD CONSTRAINT breaker_pkey PRIMARY KEY (tenant_id, workflow_name, resource_key);

ALTER TABLE ONLY highway.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key);

ALTER TABLE ONLY highway.code_module
    ADD CONSTRAINT code_module_pkey PRIMARY KEY (tenant_id, name, version);

ALTER TABLE ONLY highway.compensation
    ADD CONSTRAINT compensation_pkey PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key);

ALTER TABLE ONLY highway.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY highway.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (tenant_id, dead_letter_id);

ALTER TABLE ONLY highway.embedding
    ADD CONSTRAINT embedding_pkey PRIMARY KEY (tenant_id, model, digest);

ALTER TABLE ONLY highway.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (tenant_id, workflow_run_id, name);

ALTER TABLE ONLY highway.flow_limit
    ADD CONSTRAINT flow_limit_pkey PRIMARY KEY (tenant_id, kind, key);

ALTER TABLE ONLY highway.health
    ADD CONSTRAINT health_pkey PRIMARY KEY (measure);

ALTER TABLE ONLY highway.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, key);

ALTER TABLE ONLY highway.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (tenant_id, workflow_run_id, seq);

ALTER TABLE ONLY highway.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY highway.named_lock
    ADD CONSTRAINT named_lock_pkey PRIMARY KEY (tenant_id, name, ticket);

ALTER TABLE ONLY highway.named_lock
    ADD CONSTRAINT named_lock_tenant_id_task_id_step_key_key UNIQUE (tenant_id, task_id, step_key);

ALTER TABLE ONLY highway.passage
    ADD CONSTRAINT passage_pkey PRIMARY KEY (tenant_id, collection, document_id, "position");

ALTER TABLE ONLY highway.queue_policy
    ADD CONSTRAINT queue_policy_pkey PRIMARY KEY (tenant_id, queue);

ALTER TABLE ONLY highway.retention_policy
    ADD CONSTRAINT retention_policy_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY highway.run_attribute
    ADD CONSTRAINT run_attribute_pkey PRIMARY KEY (tenant_id, name, value, workflow_run_id);

ALTER TABLE ONLY highway.run_code
    ADD CONSTRAINT run_code_pkey PRIMARY KEY (tenant_id, workflow_run_id, reference);

ALTER TABLE ONLY highway.run_key
    ADD CONSTRAINT run_key_pkey PRIMARY KEY (tenant_id, kind, key);

ALTER TABLE ONLY highway.schedule
    ADD CONSTRAINT schedule_pkey PRIMARY KEY (tenant_id, schedule_id);

ALTER TABLE ONLY highway.schedule_tick
    ADD CONSTRAINT schedule_tick_pkey PRIMARY KEY (tenant_id, schedule_id, tick_at);

ALTER TABLE ONLY highway.signal
    ADD CONSTRAINT signal_pkey PRIMARY KEY (tenant_id, workflow_run_id, seq);

ALTER TABLE ONLY highway.slot_mark
    ADD CONSTRAINT slot_mark_pkey PRIMARY KEY (tenant_id, mark_id);

ALTER TABLE ONLY highway.slot
    ADD CONSTRAINT slot_pkey PRIMARY KEY (tenant_id, task_id, step_key, key);

ALTER TABLE ONLY highway.story_mark
    ADD CONSTRAINT story_mark_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY highway.task
    ADD CONSTRAINT task_pkey PRIMARY KEY (tenant_id, task_id);

ALTER TABLE ONLY highway.task
    ADD CONSTRAINT task_tenant_id_workflow_run_id_key_key UNIQUE (tenant_id, workflow_run_id, key);

ALTER TABLE ONLY highway.tenant_policy
    ADD CONSTRAINT tenant_policy_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY highway.update_request
    ADD CONSTRAINT update_request_pkey PRIMARY KEY (tenant_id, update_id);

ALTER TABLE ONLY highway.variable
    ADD CONSTRAINT variable_pkey PRIMARY KEY (tenant_id, workflow_run_id, scope, name);

ALTER TABLE ONLY highway.wait
    ADD CONSTRAINT wait_pkey PRIMARY KEY (tenant_id, task_id, step_key);

ALTER TABLE ONLY highway.worker
    ADD CONSTRAINT worker_lock_key_key UNIQUE (lock_key);

ALTER TABLE ONLY highway.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (worker_id);

ALTER TABLE ONLY highway.workflow_definition
    ADD CONSTRAINT workflow_definition_pkey PRIMARY KEY (tenant_id, definition_id);

ALTER TABLE ONLY highway.workflow_definition
    ADD CONSTRAINT workflow_definition_tenant_id_definition_hash_key UNIQUE (tenant_id, definition_hash);

ALTER TABLE ONLY highway.workflow_definition
    ADD CONSTRAINT workflow_definition_tenant_id_name_version_key UNIQUE (tenant_id, name, version);

ALTER TABLE ONLY highway.workflow_run
    ADD CONSTRAINT workflow_run_pkey PRIMARY KEY (tenant_id, workflow_run_id);

CREATE INDEX activity_close_by ON highway.activity USING btree (close_by) WHERE (close_by IS NOT NULL);

CREATE INDEX activity_heartbeat_age ON highway.activity_heartbeat USING btree (at);

CREATE INDEX activity_heartbeat_at ON highway.activity_heartbeat USING btree (tenant_id, at);

CREATE INDEX activity_start_by ON highway.activity USING btree (start_by) WHERE (start_by IS NOT NULL);

CREATE INDEX approval_by_key ON highway.approval USING btree (tenant_id, key, approval_id) WHERE (key IS NOT NULL);

CREATE INDEX approval_expiry ON highway.approval USING btree (expires_at) WHERE (state = 'pending'::text);

CREATE INDEX approval_of_run ON highway.approval USING btree (tenant_id, workflow_run_id, approval_id);

CREATE UNIQUE INDEX approval_of_wait ON highway.approval USING btree (tenant_id, task_id, step_key) WHERE (state = 'pending'::text);

CREATE INDEX approval_pending ON highway.approval USING btree (tenant_id, approval_id) WHERE (state = 'pending'::text);

CREATE INDEX approval_token_of ON highway.approval_token USING btree (tenant_id, approval_id);

CREATE INDEX blob_reference_blob ON highway.blob_reference USING btree (tenant_id, sha256);

CREATE INDEX code_module_artifact ON highway.code_module USING btree (tenant_id, sha256);

CREATE INDEX dead_letter_open ON highway.dead_letter USING btree (tenant_id, dead_letter_id) WHERE (requeued_at IS NULL);

CREATE INDEX dead_letter_run ON highway.dead_letter USING btree (tenant_id, workflow_run_id);

CREATE INDEX embedding_expired ON highway.embedding USING btree (expires_at);

CREATE INDEX idempotency_expiry ON highway.idempotency USING btree (expires_at);

CREATE INDEX idempotency_run ON highway.idempotency USING btree (tenant_id, workflow_run_id) WHERE (workflow_run_id IS NOT NULL);

CREATE INDEX named_lock_run ON highway.named_lock USING btree (tenant_id, workflow_run_id);

CREATE INDEX named_lock_waiting ON highway.named_lock USING btree (tenant_id, name, ticket) WHERE (acquired_at IS NULL);

CREATE INDEX queue_policy_closed ON highway.queue_policy USING btree (queue) WHERE ((paused_at IS NOT NULL) OR (max_running IS NOT NULL));

CREATE INDEX run_attribute_run ON highway.run_attribute USING btree (tenant_id, workflow_run_id);

CREATE INDEX run_code_artifact ON highway.run_code USING btree (tenant_id, sha256);

CREATE INDEX run_key_run ON highway.run_key USING btree (tenant_id, workflow_run_id);

CREATE INDEX schedule_definition ON highway.schedule USING btree (tenant_id, workflow_name);

CREATE INDEX schedule_due ON highway.schedule USING btree (due_at) WHERE (state = 'active'::text);

CREATE INDEX schedule_in_trouble ON highway.schedule USING btree (due_at) WHERE ((state = 'active'::text) AND (trouble IS NOT NULL));

CREATE UNIQUE INDEX schedule_name ON highway.schedule USING btree (tenant_id, name) WHERE (state <> 'deleted'::text);

CREATE UNIQUE INDEX schedule_tick_run ON highway.schedule_tick USING btree (tenant_id, workflow_run_id) WHERE (workflow_run_id IS NOT NULL);

CREATE INDEX schedule_tick_waiting ON highway.schedule_tick USING btree (tenant_id, schedule_id, tick_at) WHERE (outcome = 'waiting'::text);

CREATE INDEX schedule_unchecked ON highway.schedule USING btree (checked_at) WHERE (state = 'active'::text);

CREATE INDEX signal_untaken ON highway.signal USING btree (tenant_id, workflow_run_id, name, seq) WHERE (taken_by IS NULL);

CREATE INDEX slot_held ON highway.slot USING btree (tenant_id, key) WHERE (granted_at IS NOT NULL);

CREATE INDEX slot_waiting ON highway.slot USING btree (tenant_id, key, seq) WHERE (granted_at IS NULL);

CREATE INDEX task_activity ON highway.task USING btree (tenant_id, state, task_id) WHERE (kind = 'activity'::text);

CREATE INDEX task_activity_running ON highway.task USING btree (task_id) WHERE ((kind = 'activity'::text) AND (state = 'running'::text));

CREATE INDEX task_asleep ON highway.task USING btree (available_at) WHERE (state = 'sleeping'::text);

CREATE INDEX task_claimed ON highway.task USING btree (claimed_by) WHERE (state = 'running'::text);

CREATE INDEX task_due ON highway.task USING btree (queue, tenant_id, highway.turn_of(available_at, priority, lane_seconds)) WHERE (state = 'pending'::text);

CREATE INDEX task_gated ON highway.task USING btree (tenant_id, task_id) WHERE (gate IS NOT NULL);

CREATE INDEX task_lane ON highway.task USING btree (tenant_id, queue, partition_key, highway.turn_of(available_at, priority, lane_seconds)) WHERE ((state = 'pending'::text) AND (partition_key <> ''::text));

CREATE INDEX task_parent ON highway.task USING btree (tenant_id, parent_task_id, report_key) WHERE (parent_task_id IS NOT NULL);

CREATE INDEX task_paused ON highway.task USING btree (tenant_id, workflow_run_id) WHERE (state = 'paused'::text);

CREATE INDEX task_state ON highway.task USING btree (tenant_id, state, queue, task_id);

CREATE INDEX tenant_policy_closed ON highway.tenant_policy USING btree (tenant_id) WHERE ((paused_at IS NOT NULL) OR (max_running IS NOT NULL));

CREATE INDEX update_of_run ON highway.update_request USING btree (tenant_id, workflow_run_id, seq);

CREATE INDEX wait_for_event ON highway.wait USING btree (tenant_id, workflow_run_id, event_name) WHERE (kind = 'event'::text);

CREATE INDEX wait_for_message ON highway.wait USING btree (tenant_id, workflow_run_id) WHERE ((kind = ANY (ARRAY['signal'::text, 'update'::text])) AND (given IS NULL));

CREATE INDEX wait_for_room ON highway.wait USING btree (tenant_id, task_id) WHERE (kind = 'room'::text);

CREATE INDEX wait_for_start ON highway.wait USING btree (tenant_id, workflow_run_id) WHERE (kind = 'start'::text);

CREATE INDEX workflow_run_chain ON highway.workflow_run USING btree (tenant_id, continued_from) WHERE (continued_from IS NOT NULL);

CREATE UNIQUE INDEX workflow_run_child ON highway.workflow_run USING btree (tenant_id, parent_run_id, parent_key) WHERE (parent_run_id IS NOT NULL);

CREATE INDEX workflow_run_deadline ON highway.workflow_run USING btree (deadline_at) WHERE ((deadline_at IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX workflow_run_finished ON highway.workflow_run USING btree (tenant_id, ((status = 'completed'::text)), finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX workflow_run_fork ON highway.workflow_run USING btree (tenant_id, fork_of) WHERE (fork_of IS NOT NULL);

CREATE INDEX workflow_run_name ON highway.workflow_run USING btree (tenant_id, name, workflow_run_id);

CREATE INDEX workflow_run_of_chain ON highway.workflow_run USING btree (tenant_id, first_run_id, workflow_run_id) WHERE (first_run_id IS NOT NULL);

CREATE INDEX workflow_run_of_schedule ON highway.workflow_run USING btree (tenant_id, ((attributes ->> 'schedule_id'::text))) WHERE ((trigger = 'schedule'::text) AND (finished_at IS NULL));

CREATE INDEX workflow_run_open_child ON highway.workflow_run USING btree (tenant_id, workflow_run_id) WHERE ((parent_run_id IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX workflow_run_retry ON highway.workflow_run USING btree (tenant_id, retry_of) WHERE (retry_of IS NOT NULL);

CREATE INDEX workflow_run_status ON highway.workflow_run USING btree (tenant_id, status, workflow_run_id);

CREATE TRIGGER begin_activity_anew AFTER UPDATE OF state ON highway.task FOR EACH ROW WHEN (((new.kind = 'activity'::text) AND (NOT highway.is_open(old.state)) AND highway.is_open(new.state))) EXECUTE FUNCTION highway.begin_activity_anew();

CREATE TRIGGER bury_failed_task AFTER UPDATE OF state ON highway.task FOR EACH ROW WHEN (((new.state = 'failed'::text) AND (old.state IS DISTINCT FROM new.state) AND (new.error IS NOT NULL) AND ((new.kind = 'activity'::text) OR ((new.error ->> 'kind'::text) = ANY (ARRAY['poison'::text, 'divergence'::text, 'internal'::text]))))) EXECUTE FUNCTION highway.bury_failed_task();

CREATE TRIGGER derive_run_status AFTER UPDATE ON highway.task REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION highway.derive_run_status();

CREATE TRIGGER fired_is_fired BEFORE UPDATE ON highway.schedule_tick FOR EACH ROW WHEN ((old.outcome = 'fired'::text)) EXECUTE FUNCTION highway.refuse_firing_twice();

CREATE TRIGGER follow_limited_task AFTER UPDATE OF state ON highway.task FOR EACH ROW WHEN ((new.limited AND (old.state IS DISTINCT FROM new.state) AND ((NOT highway.is_open(new.state)) OR (new.state = 'paused'::text) OR (old.state = 'paused'::text)))) EXECUTE FUNCTION highway.follow_limited_task();

CREATE TRIGGER index_attributes_of_new AFTER INSERT ON highway.workflow_run FOR EACH ROW WHEN (((new.attributes <> '{}'::jsonb) OR (new.tags <> '{}'::text[]))) EXECUTE FUNCTION highway.index_attributes();

CREATE TRIGGER index_changed_attributes AFTER UPDATE OF attributes, tags ON highway.workflow_run FOR EACH ROW WHEN (((new.attributes IS DISTINCT FROM old.attributes) OR (new.tags IS DISTINCT FROM old.tags))) EXECUTE FUNCTION highway.index_attributes();

CREATE TRIGGER pass_locks_on AFTER DELETE ON highway.named_lock REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION highway.pass_locks_on();

CREATE TRIGGER refer_to_inputs AFTER INSERT ON highway.workflow_run FOR EACH ROW WHEN ((new.inputs ? '$blob'::text)) EXECUTE FUNCTION highway.refer_to_inputs();

CREATE TRIGGER return_signal AFTER DELETE ON highway.wait FOR EACH ROW WHEN (((old.kind = 'signal'::text) AND (old.given ? 'seq'::text))) EXECUTE FUNCTION highway.return_signal();

CREATE TRIGGER terminal_is_terminal BEFORE UPDATE OF state ON highway.task FOR EACH ROW WHEN (((NOT highway.is_open(old.state)) AND (new.state IS DISTINCT FROM old.state))) EXECUTE FUNCTION highway.refuse_leaving_terminal();

CREATE TRIGGER tickets_end_with_their_task AFTER UPDATE OF state ON highway.task FOR EACH ROW WHEN ((new.holds_locks AND (NOT highway.is_open(new.state)))) EXECUTE FUNCTION highway.drop_tickets_of_ended_task();

CREATE TRIGGER withdraw_approval AFTER DELETE ON highway.wait FOR EACH ROW WHEN ((old.kind = 'approval'::text)) EXECUTE FUNCTION highway.withdraw_approval();

ALTER TABLE ONLY highway.activity_heartbeat
    ADD CONSTRAINT activity_heartbeat_tenant_id_task_id_fkey FOREIGN KEY (tenant_id, task_id) REFERENCES highway.activity(tenant_id, task_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.activity
    ADD CONSTRAINT activity_tenant_id_task_id_fkey FOREIGN KEY (tenant_id, task_id) REFERENCES highway.task(tenant_id, task_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.approval
    ADD CONSTRAINT approval_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.approval_token
    ADD CONSTRAINT approval_token_tenant_id_approval_id_fkey FOREIGN KEY (tenant_id, approval_id) REFERENCES highway.approval(tenant_id, approval_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.approval_vote
    ADD CONSTRAINT approval_vote_tenant_id_approval_id_fkey FOREIGN KEY (tenant_id, approval_id) REFERENCES highway.approval(tenant_id, approval_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.blob_reference
    ADD CONSTRAINT blob_reference_tenant_id_sha256_fkey FOREIGN KEY (tenant_id, sha256) REFERENCES highway.blob(tenant_id, sha256);

ALTER TABLE ONLY highway.code_module
    ADD CONSTRAINT code_module_tenant_id_sha256_fkey FOREIGN KEY (tenant_id, sha256) REFERENCES highway.artifact(tenant_id, sha256);

ALTER TABLE ONLY highway.event
    ADD CONSTRAINT event_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.run_code
    ADD CONSTRAINT run_code_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.signal
    ADD CONSTRAINT signal_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.update_request
    ADD CONSTRAINT update_request_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE highway.activity ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.activity_heartbeat ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.approval ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.approval_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.approval_vote ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.artifact ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.blob ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.blob_reference ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.breaker ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.checkpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.code_module ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.compensation ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.dead_letter ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.embedding ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.event ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.flow_limit ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.journal ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.named_lock ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.passage ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.queue_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.retention_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.run_attribute ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.run_code ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.run_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.schedule ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.schedule_tick ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.signal ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.slot ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.slot_mark ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.task ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.tenant_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.update_request ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.variable ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.wait ENABLE ROW LEVEL SECURITY;

CREATE POLICY web_by_tenant ON highway.activity TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.activity_heartbeat TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.approval TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.approval_token TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.approval_vote TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.artifact TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.blob TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.blob_reference TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.breaker TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.checkpoint TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.code_module TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.compensation TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.counter TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.dead_letter TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.embedding TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.event TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.flow_limit TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.idempotency TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.journal TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.named_lock TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.passage TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.queue_policy TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.retention_policy TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.run_attribute TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.run_code TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.run_key TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.schedule TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.schedule_tick TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.signal TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.slot TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.slot_mark TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.task TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.tenant_policy TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.update_request TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.variable TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.wait TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.workflow_definition TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.workflow_run TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_reads_all_tenants ON highway.queue_policy FOR SELECT TO app_web USING ((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid));

CREATE POLICY worker_all ON highway.activity TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.activity_heartbeat TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.approval TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.approval_token TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.approval_vote TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.artifact TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.blob TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.blob_reference TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.breaker TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.checkpoint TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.code_module TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.compensation TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.counter TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.dead_letter TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.embedding TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.event TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.flow_limit TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.idempotency TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.journal TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.named_lock TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.passage TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.queue_policy TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.retention_policy TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.run_attribute TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.run_code TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.run_key TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.schedule TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.schedule_tick TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.signal TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.slot TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.slot_mark TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.task TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.tenant_policy TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.update_request TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.variable TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.wait TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.workflow_definition TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.workflow_run TO app_worker USING (true) WITH CHECK (true);

ALTER TABLE highway.workflow_definition ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.workflow_run ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA highway TO app_web;
GRANT USAGE ON SCHEMA highway TO app_worker;
GRANT USAGE ON SCHEMA highway TO app_migrate;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.queue_policy TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.queue_policy TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.task TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.task TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.wait TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.wait TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_run TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_run TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.tenant_policy TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.tenant_policy TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.activity TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.activity TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval TO app_worker;

REVOKE ALL ON FUNCTION highway.count_table(p_table regclass) FROM PUBLIC;
GRANT ALL ON FUNCTION highway.count_table(p_table regclass) TO app_worker;

REVOKE ALL ON FUNCTION highway.count_what_has_grown() FROM PUBLIC;
GRANT ALL ON FUNCTION highway.count_what_has_grown() TO app_worker;

REVOKE ALL ON FUNCTION highway.forget_workers(p_worker uuid, p_silent_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION highway.forget_workers(p_worker uuid, p_silent_seconds double precision) TO app_web;
GRANT ALL ON FUNCTION highway.forget_workers(p_worker uuid, p_silent_seconds double precision) TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_definition TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_definition TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.flow_limit TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.flow_limit TO app_worker;

GRANT USAGE ON SEQUENCE highway.slot_seq TO app_web;
GRANT USAGE ON SEQUENCE highway.slot_seq TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.slot TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.slot TO app_worker;

GRANT USAGE ON SEQUENCE highway.ticket_seq TO app_web;
GRANT USAGE ON SEQUENCE highway.ticket_seq TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.named_lock TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.named_lock TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.code_module TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.code_module TO app_worker;

GRANT USAGE ON SEQUENCE highway.story_seq TO app_web;
GRANT SELECT,USAGE ON SEQUENCE highway.story_seq TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.compensation TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.compensation TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.activity_heartbeat TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.activity_heartbeat TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval_token TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval_token TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval_vote TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.approval_vote TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.artifact TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.artifact TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.blob TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.blob TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.blob_reference TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.blob_reference TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.breaker TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.breaker TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.checkpoint TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.checkpoint TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.counter TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.counter TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.dead_letter TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.dead_letter TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.embedding TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.embedding TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.event TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.event TO app_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE highway.health TO app_worker;
GRANT SELECT ON TABLE highway.health TO app_web;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.idempotency TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.idempotency TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.journal TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.journal TO app_worker;

GRANT SELECT ON TABLE highway.migration TO app_web;
GRANT SELECT ON TABLE highway.migration TO app_worker;
GRANT SELECT ON TABLE highway.migration TO app_migrate;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.passage TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.passage TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.retention_policy TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.retention_policy TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_attribute TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_attribute TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_code TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_code TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_key TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.run_key TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.schedule TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.schedule TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.schedule_tick TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.schedule_tick TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.signal TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.signal TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.slot_mark TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.slot_mark TO app_worker;

GRANT SELECT ON TABLE highway.story_mark TO app_web;
GRANT SELECT,UPDATE ON TABLE highway.story_mark TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.update_request TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.update_request TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.variable TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.variable TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.worker TO app_worker;
GRANT SELECT ON TABLE highway.worker TO app_web;

GRANT UPDATE(requested_state) ON TABLE highway.worker TO app_web;

GRANT UPDATE(requested_reason) ON TABLE highway.worker TO app_web;

GRANT UPDATE(capacity_override) ON TABLE highway.worker TO app_web;

GRANT UPDATE(batch_override) ON TABLE highway.worker TO app_web;
