-- State changes that people and programs ask for. Each is one call, safe to repeat, and takes its locks in the order of 0001.

-- Tells those whom these tasks concern as they are now: who could claim them, and who executes them.
CREATE FUNCTION highway.hint_about(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Which stored definition somebody means: by its id, by its hash, or by its name, the newest unless a version is named. All NULL when there is none.
CREATE FUNCTION highway.meant_definition(
    p_tenant uuid, p_definition uuid, p_hash text, p_name text, p_version integer,
    OUT definition_id uuid, OUT definition_hash text, OUT name text, OUT version integer)
    LANGUAGE plpgsql STABLE AS $$
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

CREATE FUNCTION highway.register_definition(
    p_tenant uuid, p_hash text, p_name text, p_definition jsonb, p_source text, p_source_format text,
    OUT definition_id uuid, OUT version integer, OUT created boolean)
    LANGUAGE plpgsql AS $$
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

-- When a run of the definition that starts then has to be over; NULL where it may take as long as it likes.
CREATE FUNCTION highway.deadline_from(p_starts timestamptz, p_deadline_seconds double precision) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN p_starts + make_interval(secs => p_deadline_seconds);

-- Starts a run of a stored definition: the run, its root task, and a hint to the workers. Returns NULL when there is no such definition.
CREATE FUNCTION highway.submit_run(
    p_tenant uuid, p_definition uuid, p_inputs jsonb DEFAULT '{}',
    p_queue text DEFAULT 'default', p_priority smallint DEFAULT 0, p_delay_seconds double precision DEFAULT 0,
    p_tags text[] DEFAULT '{}', p_attributes jsonb DEFAULT '{}', p_trigger text DEFAULT 'api', p_triggered_by text DEFAULT '',
    p_retry_of uuid DEFAULT NULL, p_parent_task uuid DEFAULT NULL, p_parent_run uuid DEFAULT NULL, p_parent_key text DEFAULT NULL,
    p_limits jsonb DEFAULT NULL, p_partition_key text DEFAULT '')
    RETURNS uuid
    LANGUAGE plpgsql AS $$
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

-- Takes the given tasks and every open task of the given runs, in lock order, and returns the given ones as they are then.
-- A task that was forked between the snapshot and the locks is found by a second look. It may come before one that is held already, so that
-- waiting for it could be a deadlock: all locks are given up with the savepoint and taken anew. That ends, as whoever could fork is held.
CREATE FUNCTION highway.lock_tasks(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[])
    RETURNS TABLE (tenant_id uuid, task_id uuid, epoch integer, state text, cancel_requested boolean, pause_requested boolean)
    LANGUAGE plpgsql AS $$
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

-- Takes every open task of the run and, as a run that ends here reports to it, the task of its parent run. Returns whether the run's own task is open.
CREATE FUNCTION highway.lock_open_tasks(p_tenant uuid, p_run uuid) RETURNS boolean
    LANGUAGE plpgsql AS $$
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

-- Like lock_open_tasks, for callers that need the run to be open: unknown is HW001, ended is HW002.
CREATE FUNCTION highway.require_open_run(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Like require_open_run, for callers that leave claimable what is. A claim passes by what they hold, so whoever could take it is told to look again:
-- an event that follows its submission at once would else put the start of the run off until the poll.
CREATE FUNCTION highway.hold_for_news(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM highway.require_open_run(p_tenant, p_run);
    PERFORM highway.hint_work(q.queue)
       FROM (SELECT DISTINCT t.queue FROM highway.task AS t
              WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.state = 'pending') AS q;
END
$$;

-- Makes sleeping tasks claimable and tells those whom that concerns, and those who execute the others. The caller holds the tasks.
CREATE FUNCTION highway.wake_tasks(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE highway.task AS t
       SET state = 'pending', available_at = highway.now()
      FROM (SELECT DISTINCT g.tenant_id, g.task_id FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)) AS g
     WHERE t.tenant_id = g.tenant_id AND t.task_id = g.task_id AND t.state = 'sleeping';
    PERFORM highway.hint_about(p_tenants, p_tasks);
END
$$;

-- Wakes whoever waits for the events; the caller holds the open tasks of their runs.
CREATE FUNCTION highway.wake_event_waiters(p_tenants uuid[], p_runs uuid[], p_names text[]) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM highway.wake_tasks(array_agg(w.tenant_id), array_agg(w.task_id))
       FROM unnest(p_tenants, p_runs, p_names) AS e (tenant_id, workflow_run_id, name)
       JOIN highway.wait AS w ON w.tenant_id = e.tenant_id AND w.workflow_run_id = e.workflow_run_id
                             AND w.kind = 'event' AND w.event_name = e.name
     HAVING count(*) > 0;
END
$$;

-- Tasks ended: count them down for whoever waits for them, and wake those for whom it was the last. The caller holds the parents' rows.
CREATE FUNCTION highway.report_final(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- I6: first emit wins. Returns whether this one was the first.
CREATE FUNCTION highway.emit_event(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL, p_by text DEFAULT '')
    RETURNS boolean
    LANGUAGE plpgsql AS $$
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

-- A signal joins the run's inbox. The first signal of a name is also the run's event of that name, so that wait_for_event hears it.
CREATE FUNCTION highway.send_signal(p_tenant uuid, p_run uuid, p_name text, p_payload jsonb DEFAULT NULL, p_by text DEFAULT '')
    RETURNS bigint
    LANGUAGE plpgsql AS $$
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

-- The error that a task carries when it was stopped from outside.
CREATE FUNCTION highway.stop_error(p_outcome text, p_reason text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('kind', CASE p_outcome WHEN 'failed' THEN 'deadline' ELSE 'cancelled' END,
                              'type', '', 'retryable', false, 'message', p_reason);

-- How a task ends that was asked to stop, and the error it then carries: a run as the first request said, what it forked as cancelled.
CREATE FUNCTION highway.stop_outcome(p_task highway.task) RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT r.cancel_outcome FROM highway.workflow_run AS r
                      WHERE r.tenant_id = p_task.tenant_id AND r.workflow_run_id = p_task.workflow_run_id AND p_task.kind = 'workflow'), 'cancelled');

CREATE FUNCTION highway.stop_reason(p_task highway.task) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN highway.stop_error(
        highway.stop_outcome(p_task),
        coalesce((SELECT r.cancel_reason FROM highway.workflow_run AS r
                   WHERE r.tenant_id = p_task.tenant_id AND r.workflow_run_id = p_task.workflow_run_id), 'cancelled'));

-- Ends tasks that nobody is executing and asks the workers of the others to stop; what they forked goes with them. The caller holds the open
-- tasks of the run.
CREATE FUNCTION highway.cancel_tasks(p_tenant uuid, p_tasks uuid[], p_reason text, p_outcome text DEFAULT 'cancelled') RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Asks a run to stop. Returns its status afterwards: ended at once when nobody executes it, else what it is until its worker has stopped.
-- `p_outcome` is how it ends: cancelled, or failed when a deadline stops it. The first request decides.
CREATE FUNCTION highway.cancel_run(p_tenant uuid, p_run uuid, p_reason text DEFAULT 'cancelled', p_outcome text DEFAULT 'cancelled')
    RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Exits "success" and "failure" of claimed tasks, fenced by their epochs: their end, the news of it for whoever waits, their completion events,
-- and, where one ends badly, the end of what it forked. A task that fails after it was asked to stop ends as it was asked to: its failure may
-- well be the doing of the stop. Stale rows change nothing. The caller holds the tasks, their parents, and every
-- open task of the runs that end badly or have completion events. Returns the tasks that ended.
CREATE FUNCTION highway.finish_tasks(
    p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_states text[], p_results text[], p_errors text[])
    RETURNS SETOF uuid
    LANGUAGE plpgsql AS $$
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

-- Emits the completion events of ended activities. The caller holds the open tasks of their runs.
CREATE FUNCTION highway.emit_completions(p_tenants uuid[], p_tasks uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
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
