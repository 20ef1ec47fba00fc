-- Made by `make schema` from sql/migrations. Read it, do not edit it: a test compares the two.

CREATE SCHEMA highway;

ALTER SCHEMA highway OWNER TO highway_owner;

CREATE FUNCTION highway.cancel_run(p_tenant uuid, p_run uuid, p_reason text DEFAULT 'cancelled'::text, p_outcome text DEFAULT 'cancelled'::text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_reason text;
    v_outcome text;
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
    PERFORM highway.cancel_tasks(p_tenant, (
        SELECT array_agg(t.task_id) FROM highway.task AS t
         WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.task_id <> p_run
           AND highway.is_open(t.state)), v_reason);
    PERFORM highway.cancel_tasks(p_tenant, ARRAY[p_run], v_reason, v_outcome);
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, data)
    VALUES (p_tenant, p_run, highway.now(), 'cancel_requested', jsonb_build_object('reason', p_reason, 'outcome', p_outcome));
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

ALTER FUNCTION highway.cancel_run(p_tenant uuid, p_run uuid, p_reason text, p_outcome text) OWNER TO highway_owner;

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
    PERFORM pg_notify('highway_control', '');
END
$$;

ALTER FUNCTION highway.cancel_tasks(p_tenant uuid, p_tasks uuid[], p_reason text, p_outcome text) OWNER TO highway_owner;

CREATE FUNCTION highway.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('highway.tenant_id'::text, true), ''::text))::uuid;

ALTER FUNCTION highway.current_tenant() OWNER TO highway_owner;

CREATE FUNCTION highway.derive_run_status() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.workflow_run AS r
       SET status = NEW.state,
           error = NEW.error,
           started_at = CASE WHEN NEW.state = 'running' THEN coalesce(r.started_at, highway.now()) ELSE r.started_at END,
           finished_at = NEW.finished_at
     WHERE r.tenant_id = NEW.tenant_id AND r.workflow_run_id = NEW.workflow_run_id;
    RETURN NULL;
END
$$;

ALTER FUNCTION highway.derive_run_status() OWNER TO highway_owner;

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
    PERFORM highway.require_open_run(p_tenant, p_run);
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

CREATE FUNCTION highway.finish_tasks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_states text[], p_results text[], p_errors text[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tenants uuid[];
    v_tasks uuid[];
    v_cleanup record;
BEGIN
    PERFORM highway.turn_to_undoing(array_agg(t.tenant_id), array_agg(t.task_id), array_agg(
                CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_reason(t) ELSE g.error::jsonb END))
       FROM unnest(p_tenants, p_tasks, p_epochs, p_states, p_errors) AS g (tenant_id, task_id, epoch, state, error)
       JOIN highway.task AS t ON t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
      WHERE g.state <> 'completed' AND t.kind = 'workflow' AND t.phase = '';
    WITH ended AS (
        UPDATE highway.task AS t
           SET state = CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_outcome(t) ELSE g.state END,
               error = CASE WHEN t.cancel_requested AND g.state = 'failed' THEN highway.stop_reason(t) ELSE g.error::jsonb END,
               result = g.result::jsonb, finished_at = highway.now(), claimed_by = NULL, running_steps = NULL
          FROM unnest(p_tenants, p_tasks, p_epochs, p_states, p_results, p_errors) AS g (tenant_id, task_id, epoch, state, result, error)
         WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.epoch = g.epoch AND t.claimed_by IS NOT NULL
        RETURNING t.tenant_id, t.task_id
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING ended AS e WHERE w.tenant_id = e.tenant_id AND w.task_id = e.task_id
    )
    SELECT array_agg(tenant_id), array_agg(task_id) INTO v_tenants, v_tasks FROM ended;
    IF v_tasks IS NULL THEN
        RETURN;
    END IF;
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
    IF EXISTS (SELECT FROM unnest(v_tenants, v_tasks) AS e (tenant_id, task_id) JOIN highway.task AS t USING (tenant_id, task_id)
                WHERE t.parent_task_id IS NOT NULL) THEN
        PERFORM highway.report_final(v_tenants, v_tasks);
    END IF;
    PERFORM highway.emit_completions(v_tenants, v_tasks);
    RETURN QUERY SELECT unnest(v_tasks);
END
$$;

ALTER FUNCTION highway.finish_tasks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_states text[], p_results text[], p_errors text[]) OWNER TO highway_owner;

CREATE FUNCTION highway.hand_out_messages(p_tenants uuid[], p_runs uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
    UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
      FROM matched AS m WHERE t.tenant_id = m.tenant_id AND t.task_id = m.task_id AND t.state = 'sleeping';
    PERFORM pg_notify('highway_work', ''), pg_notify('highway_control', '');
END
$$;

ALTER FUNCTION highway.hand_out_messages(p_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.is_open(p_state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (p_state = ANY (ARRAY['pending'::text, 'running'::text, 'sleeping'::text, 'paused'::text]));

ALTER FUNCTION highway.is_open(p_state text) OWNER TO highway_owner;

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

CREATE FUNCTION highway.lock_tasks(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) RETURNS TABLE(tenant_id uuid, task_id uuid, epoch integer, state text, cancel_requested boolean)
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
            EXIT WHEN NOT EXISTS (
                SELECT FROM unnest(p_run_tenants, p_runs) AS g (tenant_id, workflow_run_id)
                  JOIN highway.task AS o USING (tenant_id, workflow_run_id)
                 WHERE highway.is_open(o.state) AND NOT o.task_id = ANY (v_held));
            RAISE EXCEPTION 'a task was forked meanwhile' USING ERRCODE = 'HW000';
        EXCEPTION WHEN SQLSTATE 'HW000' THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN QUERY SELECT t.tenant_id, t.task_id, t.epoch, t.state, t.cancel_requested
                   FROM highway.task AS t
                  WHERE t.task_id = ANY (v_held) AND t.tenant_id = ANY (p_tenants || p_run_tenants);
END
$$;

ALTER FUNCTION highway.lock_tasks(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (statement_timestamp() + COALESCE((NULLIF(current_setting('highway.now_offset'::text, true), ''::text))::interval, '00:00:00'::interval));

ALTER FUNCTION highway.now() OWNER TO highway_owner;

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

CREATE FUNCTION highway.refuse_leaving_terminal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'task % is % and cannot become %', OLD.task_id, OLD.state, NEW.state USING ERRCODE = 'HW002';
END
$$;

ALTER FUNCTION highway.refuse_leaving_terminal() OWNER TO highway_owner;

CREATE FUNCTION highway.register_definition(p_tenant uuid, p_hash text, p_name text, p_definition jsonb, p_source text, p_source_format text, OUT definition_id uuid, OUT version integer, OUT created boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Two registrations of one name take turns, so that versions have no gaps and no doubles.
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
    UPDATE highway.task AS t
       SET state = 'pending', available_at = highway.now()
      FROM counted AS c
     WHERE c.needed <= 0 AND t.tenant_id = c.tenant_id AND t.task_id = c.task_id AND t.state = 'sleeping';
    PERFORM pg_notify('highway_work', ''), pg_notify('highway_control', '');
END
$$;

ALTER FUNCTION highway.report_final(p_tenants uuid[], p_tasks uuid[]) OWNER TO highway_owner;

CREATE FUNCTION highway.request_update(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL::jsonb, p_by text DEFAULT ''::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_update uuid;
BEGIN
    PERFORM highway.require_open_run(p_tenant, p_run);
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

CREATE FUNCTION highway.stop_error(p_outcome text, p_reason text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('kind', CASE p_outcome WHEN 'failed'::text THEN 'deadline'::text ELSE 'cancelled'::text END, 'type', '', 'retryable', false, 'message', p_reason);

ALTER FUNCTION highway.stop_error(p_outcome text, p_reason text) OWNER TO highway_owner;

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
    phase text DEFAULT ''::text NOT NULL,
    CONSTRAINT task_check CHECK (((kind = 'workflow'::text) = (key = ''::text))),
    CONSTRAINT task_check1 CHECK (((state = 'running'::text) = (claimed_by IS NOT NULL))),
    CONSTRAINT task_kind_check CHECK ((kind = ANY (ARRAY['workflow'::text, 'branch'::text, 'activity'::text]))),
    CONSTRAINT task_phase_check CHECK ((phase = ANY (ARRAY[''::text, 'undoing'::text]))),
    CONSTRAINT task_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'sleeping'::text, 'paused'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'compensated'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');

ALTER TABLE ONLY highway.task FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.task OWNER TO highway_owner;

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
    CONSTRAINT workflow_run_cancel_outcome_check CHECK ((cancel_outcome = ANY (ARRAY['cancelled'::text, 'failed'::text]))),
    CONSTRAINT workflow_run_check CHECK (((parent_run_id IS NULL) = (parent_key IS NULL))),
    CONSTRAINT workflow_run_deadline_action_check CHECK ((deadline_action = ANY (ARRAY['fail'::text, 'cancel'::text]))),
    CONSTRAINT workflow_run_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'sleeping'::text, 'paused'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'compensated'::text])))
)
WITH (fillfactor='80');

ALTER TABLE ONLY highway.workflow_run FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.workflow_run OWNER TO highway_owner;

CREATE FUNCTION highway.stop_outcome(p_task highway.task) RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT r.cancel_outcome FROM highway.workflow_run r WHERE ((r.tenant_id = (stop_outcome.p_task).tenant_id) AND (r.workflow_run_id = (stop_outcome.p_task).workflow_run_id) AND ((stop_outcome.p_task).kind = 'workflow'::text))), 'cancelled'::text);

ALTER FUNCTION highway.stop_outcome(p_task highway.task) OWNER TO highway_owner;

CREATE FUNCTION highway.stop_reason(p_task highway.task) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN highway.stop_error(highway.stop_outcome(p_task), COALESCE((SELECT r.cancel_reason FROM highway.workflow_run r WHERE ((r.tenant_id = (stop_reason.p_task).tenant_id) AND (r.workflow_run_id = (stop_reason.p_task).workflow_run_id))), 'cancelled'::text));

ALTER FUNCTION highway.stop_reason(p_task highway.task) OWNER TO highway_owner;

CREATE FUNCTION highway.submit_run(p_tenant uuid, p_definition uuid, p_inputs jsonb DEFAULT '{}'::jsonb, p_queue text DEFAULT 'default'::text, p_priority smallint DEFAULT 0, p_delay_seconds double precision DEFAULT 0, p_tags text[] DEFAULT '{}'::text[], p_attributes jsonb DEFAULT '{}'::jsonb, p_trigger text DEFAULT 'api'::text, p_triggered_by text DEFAULT ''::text, p_retry_of uuid DEFAULT NULL::uuid, p_parent_task uuid DEFAULT NULL::uuid, p_parent_run uuid DEFAULT NULL::uuid, p_parent_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_run uuid := highway.uuid7();
    v_now timestamptz := highway.now();
    v_starts timestamptz := v_now + make_interval(secs => greatest(coalesce(p_delay_seconds, 0), 0));
BEGIN
    INSERT INTO highway.workflow_run AS r (
           tenant_id, workflow_run_id, definition_id, definition_hash, name, version, queue, priority, inputs, trigger, triggered_by,
           tags, attributes, parent_run_id, parent_key, retry_of, created_at, status, deadline_at, deadline_action)
    SELECT p_tenant, v_run, d.definition_id, d.definition_hash, d.name, d.version, p_queue, p_priority, p_inputs, p_trigger, p_triggered_by,
           p_tags, p_attributes, p_parent_run, p_parent_key, p_retry_of, v_now,
           CASE WHEN v_starts > v_now THEN 'sleeping' ELSE 'pending' END,
           v_starts + make_interval(secs => coalesce((d.definition ->> 'deadline_seconds')::float8, (d.definition ->> 'timeout_seconds')::float8)),
           coalesce(d.definition ->> 'deadline_action', 'fail')
      FROM highway.workflow_definition AS d
     WHERE d.tenant_id = p_tenant AND d.definition_id = p_definition
    ON CONFLICT (tenant_id, parent_run_id, parent_key) WHERE parent_run_id IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        -- Either the definition is unknown, or this child was started before (then its id is the answer).
        RETURN (SELECT r.workflow_run_id FROM highway.workflow_run AS r
                 WHERE r.tenant_id = p_tenant AND r.parent_run_id = p_parent_run AND r.parent_key = p_parent_key);
    END IF;
    INSERT INTO highway.task (tenant_id, task_id, workflow_run_id, kind, queue, priority, state, available_at, parent_task_id, report_key)
    VALUES (p_tenant, v_run, v_run, 'workflow', p_queue, p_priority,
            CASE WHEN v_starts > v_now THEN 'sleeping' ELSE 'pending' END, v_starts, p_parent_task, p_parent_key);
    PERFORM pg_notify('highway_work', '');
    RETURN v_run;
END
$$;

ALTER FUNCTION highway.submit_run(p_tenant uuid, p_definition uuid, p_inputs jsonb, p_queue text, p_priority smallint, p_delay_seconds double precision, p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text, p_retry_of uuid, p_parent_task uuid, p_parent_run uuid, p_parent_key text) OWNER TO highway_owner;

CREATE FUNCTION highway.turn_to_undoing(p_tenants uuid[], p_tasks uuid[], p_errors jsonb[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_tasks uuid[];
BEGIN
    WITH turned AS (
        UPDATE highway.task AS t
           SET state = 'pending', phase = 'undoing', available_at = highway.now(), error = g.error, epoch = t.epoch + 1,
               claimed_by = NULL, running_steps = NULL, cancel_requested = false, pause_requested = false
          FROM unnest(p_tenants, p_tasks, p_errors) AS g (tenant_id, task_id, error)
         WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.kind = 'workflow' AND t.phase = '' AND highway.is_open(t.state)
           AND EXISTS (SELECT FROM highway.compensation AS c WHERE c.tenant_id = t.tenant_id AND c.workflow_run_id = t.workflow_run_id)
        RETURNING t.tenant_id, t.task_id
    ), forgotten AS (
        DELETE FROM highway.wait AS w USING turned AS t WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id
    ), told AS (
        INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind) SELECT t.tenant_id, t.task_id, highway.now(), 'undoing' FROM turned AS t
    )
    SELECT array_agg(task_id) INTO v_tasks FROM turned;
    IF v_tasks IS NOT NULL THEN
        PERFORM pg_notify('highway_work', ''), pg_notify('highway_control', '');
    END IF;
    RETURN QUERY SELECT unnest(v_tasks);
END
$$;

ALTER FUNCTION highway.turn_to_undoing(p_tenants uuid[], p_tasks uuid[], p_errors jsonb[]) OWNER TO highway_owner;

CREATE FUNCTION highway.uuid7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

ALTER FUNCTION highway.uuid7() OWNER TO highway_owner;

CREATE FUNCTION highway.uuid7_from(p_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((lpad(to_hex(((EXTRACT(epoch FROM p_at) * (1000)::numeric))::bigint), 12, '0'::text) || '70008000000000000000'::text))::uuid;

ALTER FUNCTION highway.uuid7_from(p_at timestamp with time zone) OWNER TO highway_owner;

CREATE FUNCTION highway.wake_event_waiters(p_tenants uuid[], p_runs uuid[], p_names text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE highway.task AS t
       SET state = 'pending', available_at = highway.now()
      FROM unnest(p_tenants, p_runs, p_names) AS e (tenant_id, workflow_run_id, name)
      JOIN highway.wait AS w ON w.tenant_id = e.tenant_id AND w.workflow_run_id = e.workflow_run_id
                            AND w.kind = 'event' AND w.event_name = e.name
     WHERE t.tenant_id = w.tenant_id AND t.task_id = w.task_id AND t.state = 'sleeping';
    PERFORM pg_notify('highway_work', ''), pg_notify('highway_control', '');
END
$$;

ALTER FUNCTION highway.wake_event_waiters(p_tenants uuid[], p_runs uuid[], p_names text[]) OWNER TO highway_owner;

CREATE SEQUENCE highway.story_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE highway.story_seq OWNER TO highway_owner;

CREATE TABLE highway.checkpoint (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
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
    CONSTRAINT checkpoint_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'failed'::text, 'skipped'::text])))
);

ALTER TABLE ONLY highway.checkpoint FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.checkpoint OWNER TO highway_owner;

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

CREATE TABLE highway.counter (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY highway.counter FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.counter OWNER TO highway_owner;

CREATE TABLE highway.event (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    name text NOT NULL,
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
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
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
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

CREATE TABLE highway.signal (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint DEFAULT nextval('highway.story_seq'::regclass) NOT NULL,
    name text NOT NULL,
    payload jsonb,
    at timestamp with time zone DEFAULT highway.now() NOT NULL,
    sent_by text DEFAULT ''::text NOT NULL,
    taken_by text,
    taken_at timestamp with time zone
);

ALTER TABLE ONLY highway.signal FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.signal OWNER TO highway_owner;

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
    CONSTRAINT wait_check CHECK (((kind = ANY (ARRAY['event'::text, 'signal'::text, 'update'::text])) = (event_name IS NOT NULL))),
    CONSTRAINT wait_check1 CHECK (((kind = 'tasks'::text) = ((awaited IS NOT NULL) AND (needed IS NOT NULL)))),
    CONSTRAINT wait_check2 CHECK (((kind <> ALL (ARRAY['timer'::text, 'retry'::text])) OR (due_at IS NOT NULL))),
    CONSTRAINT wait_kind_check CHECK ((kind = ANY (ARRAY['timer'::text, 'event'::text, 'retry'::text, 'tasks'::text, 'person'::text, 'signal'::text, 'update'::text, 'slot'::text, 'code'::text])))
);

ALTER TABLE ONLY highway.wait FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.wait OWNER TO highway_owner;

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
    draining boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE highway.worker OWNER TO highway_owner;

CREATE TABLE highway.workflow_definition (
    tenant_id uuid NOT NULL,
    definition_id uuid NOT NULL,
    definition_hash text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    source_format text NOT NULL,
    created_at timestamp with time zone DEFAULT highway.now() NOT NULL,
    CONSTRAINT workflow_definition_definition_hash_check CHECK ((definition_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT workflow_definition_source_format_check CHECK ((source_format = ANY (ARRAY['python'::text, 'json'::text, 'yaml'::text]))),
    CONSTRAINT workflow_definition_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY highway.workflow_definition FORCE ROW LEVEL SECURITY;

ALTER TABLE highway.workflow_definition OWNER TO highway_owner;

ALTER TABLE ONLY highway.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key);

ALTER TABLE ONLY highway.compensation
    ADD CONSTRAINT compensation_pkey PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key);

ALTER TABLE ONLY highway.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY highway.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (tenant_id, workflow_run_id, name);

ALTER TABLE ONLY highway.health
    ADD CONSTRAINT health_pkey PRIMARY KEY (measure);

ALTER TABLE ONLY highway.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, key);

ALTER TABLE ONLY highway.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (tenant_id, workflow_run_id, seq);

ALTER TABLE ONLY highway.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY highway.signal
    ADD CONSTRAINT signal_pkey PRIMARY KEY (tenant_id, workflow_run_id, seq);

ALTER TABLE ONLY highway.task
    ADD CONSTRAINT task_pkey PRIMARY KEY (tenant_id, task_id);

ALTER TABLE ONLY highway.task
    ADD CONSTRAINT task_tenant_id_workflow_run_id_key_key UNIQUE (tenant_id, workflow_run_id, key);

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

CREATE INDEX idempotency_expiry ON highway.idempotency USING btree (expires_at);

CREATE INDEX signal_untaken ON highway.signal USING btree (tenant_id, workflow_run_id, name, seq) WHERE (taken_by IS NULL);

CREATE INDEX task_asleep ON highway.task USING btree (available_at) WHERE (state = 'sleeping'::text);

CREATE INDEX task_claimed ON highway.task USING btree (claimed_by) WHERE (state = 'running'::text);

CREATE INDEX task_due ON highway.task USING btree (queue, tenant_id, priority DESC, available_at) WHERE (state = 'pending'::text);

CREATE INDEX task_parent ON highway.task USING btree (tenant_id, parent_task_id, report_key) WHERE (parent_task_id IS NOT NULL);

CREATE INDEX task_paused ON highway.task USING btree (tenant_id, workflow_run_id) WHERE (state = 'paused'::text);

CREATE INDEX update_of_run ON highway.update_request USING btree (tenant_id, workflow_run_id, seq);

CREATE INDEX wait_for_event ON highway.wait USING btree (tenant_id, workflow_run_id, event_name) WHERE (kind = 'event'::text);

CREATE UNIQUE INDEX workflow_run_child ON highway.workflow_run USING btree (tenant_id, parent_run_id, parent_key) WHERE (parent_run_id IS NOT NULL);

CREATE INDEX workflow_run_deadline ON highway.workflow_run USING btree (deadline_at) WHERE ((deadline_at IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX workflow_run_name ON highway.workflow_run USING btree (tenant_id, name, workflow_run_id DESC);

CREATE INDEX workflow_run_open_child ON highway.workflow_run USING btree (tenant_id, workflow_run_id) WHERE ((parent_run_id IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX workflow_run_retry ON highway.workflow_run USING btree (tenant_id, retry_of) WHERE (retry_of IS NOT NULL);

CREATE INDEX workflow_run_status ON highway.workflow_run USING btree (tenant_id, status, workflow_run_id DESC);

CREATE TRIGGER derive_run_status AFTER UPDATE OF state ON highway.task FOR EACH ROW WHEN (((new.kind = 'workflow'::text) AND (old.state IS DISTINCT FROM new.state))) EXECUTE FUNCTION highway.derive_run_status();

CREATE TRIGGER terminal_is_terminal BEFORE UPDATE OF state ON highway.task FOR EACH ROW WHEN (((NOT highway.is_open(old.state)) AND (new.state IS DISTINCT FROM old.state))) EXECUTE FUNCTION highway.refuse_leaving_terminal();

ALTER TABLE ONLY highway.event
    ADD CONSTRAINT event_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.signal
    ADD CONSTRAINT signal_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE ONLY highway.update_request
    ADD CONSTRAINT update_request_tenant_id_workflow_run_id_fkey FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run(tenant_id, workflow_run_id) ON DELETE CASCADE;

ALTER TABLE highway.checkpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.compensation ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.counter ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.event ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.journal ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.signal ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.task ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.update_request ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.variable ENABLE ROW LEVEL SECURITY;

ALTER TABLE highway.wait ENABLE ROW LEVEL SECURITY;

CREATE POLICY web_by_tenant ON highway.checkpoint TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.compensation TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.counter TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.event TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.idempotency TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.journal TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.signal TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.task TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.update_request TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.variable TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.wait TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.workflow_definition TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY web_by_tenant ON highway.workflow_run TO app_web USING ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT highway.current_tenant() AS current_tenant)));

CREATE POLICY worker_all ON highway.checkpoint TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.compensation TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.counter TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.event TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.idempotency TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.journal TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.signal TO app_worker USING (true) WITH CHECK (true);

CREATE POLICY worker_all ON highway.task TO app_worker USING (true) WITH CHECK (true);

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

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.task TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.task TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_run TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_run TO app_worker;

GRANT USAGE ON SEQUENCE highway.story_seq TO app_web;
GRANT USAGE ON SEQUENCE highway.story_seq TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.checkpoint TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.checkpoint TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.compensation TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.compensation TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.counter TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.counter TO app_worker;

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

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.signal TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.signal TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.update_request TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.update_request TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.variable TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.variable TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.wait TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.wait TO app_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.worker TO app_worker;
GRANT SELECT ON TABLE highway.worker TO app_web;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_definition TO app_web;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE highway.workflow_definition TO app_worker;
