-- Messages to a run that are taken in order, each once; and what has to be undone when a run does not succeed.

-- A signal is handed to the first step that waits for its name. `taken_by` is that step, as scope/key.
ALTER TABLE highway.signal ADD COLUMN taken_by text, ADD COLUMN taken_at timestamptz;
CREATE INDEX signal_untaken ON highway.signal (tenant_id, workflow_run_id, name, seq) WHERE taken_by IS NULL;

-- A request with a reply. It is handed to the first step that waits for its name, which answers it.
CREATE TABLE highway.update_request (
    tenant_id uuid NOT NULL,
    update_id uuid NOT NULL DEFAULT highway.uuid7(),
    workflow_run_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    name text NOT NULL,
    payload jsonb,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'taken', 'completed', 'failed')),
    result jsonb,
    error jsonb,
    requested_by text NOT NULL DEFAULT '',
    requested_at timestamptz NOT NULL DEFAULT highway.now(),
    taken_by text,
    taken_at timestamptz,
    answered_at timestamptz,
    PRIMARY KEY (tenant_id, update_id),
    FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run ON DELETE CASCADE,
    CHECK ((state IN ('completed', 'failed')) = (answered_at IS NOT NULL))
);
CREATE INDEX update_of_run ON highway.update_request (tenant_id, workflow_run_id, seq);
CALL highway.protect('highway.update_request');

CREATE INDEX wait_for_message ON highway.wait (tenant_id, workflow_run_id) WHERE kind IN ('signal', 'update') AND given IS NULL;

-- Hands untaken signals and updates of the runs to the waits for them, in the order of both, and wakes who got one. Whoever adds a message or
-- such a wait calls this in the same transaction and holds the run's open tasks: so the two never pass each other by.
CREATE FUNCTION highway.hand_out_messages(p_tenants uuid[], p_runs uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- A request with a reply joins the run's inbox. Returns its id.
CREATE FUNCTION highway.request_update(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL, p_by text DEFAULT '')
    RETURNS uuid
    LANGUAGE plpgsql AS $$
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

-- What a step has to undo when its run does not succeed: registered with its checkpoint, undone in the opposite order of `seq`.
CREATE TABLE highway.compensation (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    call jsonb NOT NULL,                     -- {"function", "args", "kwargs", "retry_policy", "timeout_seconds"}, resolved
    registered_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key)
);
CALL highway.protect('highway.compensation');

-- A run that does not succeed and has something to undo goes on in this phase: its own task is claimed again and undoes it.
ALTER TABLE highway.task ADD COLUMN phase text NOT NULL DEFAULT '' CHECK (phase = ANY ('{"",undoing}'));

-- Those of the steps that a run has undone or is about to undo, in words; NULL when it undoes none of them. The caller holds the run.
CREATE FUNCTION highway.undone_among(p_tenant uuid, p_run uuid, p_scopes text[], p_keys text[]) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT string_agg(highway.step_path(c.scope, c.step_key), ', ' ORDER BY c.seq)
              FROM unnest(p_scopes, p_keys) AS g (scope, step_key)
              JOIN highway.compensation AS c
                ON c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.scope = g.scope AND c.step_key = g.step_key
              JOIN highway.task AS t ON t.tenant_id = p_tenant AND t.task_id = p_run AND t.phase = 'undoing');

-- Turns runs' own tasks that end badly and have something to undo to undoing it, instead of ending them. Returns those. The caller holds them and
-- the open tasks of their runs. What a worker executes of a run now may still have to be undone when it has stopped: such a run waits for that.
CREATE FUNCTION highway.turn_to_undoing(p_tenants uuid[], p_tasks uuid[], p_errors jsonb[]) RETURNS SETOF uuid
    LANGUAGE plpgsql AS $$
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

-- How the waits of a task stand: when the first of them is due, and whether one is over. NULL: it has none. What suspends a task and what resumes
-- it ask the same question, so a wake-up that meets a pause is not lost.
CREATE FUNCTION highway.wait_standing(p_tenant uuid, p_task uuid) RETURNS TABLE (first_due timestamptz, is_over boolean)
    LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT min(w.due_at),
           bool_or(coalesce(w.due_at <= highway.now(), false) OR coalesce(w.needed <= 0, false) OR e.name IS NOT NULL
                   OR w.given IS NOT NULL
                   OR w.kind = 'lock' AND highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') IS NOT NULL)
      FROM highway.wait AS w
      LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                                  AND e.name = w.event_name
     WHERE w.tenant_id = p_tenant AND w.task_id = p_task
$$;
