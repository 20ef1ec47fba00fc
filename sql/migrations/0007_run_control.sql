-- Run control: pause and resume, kill, restart in place, fork, a changed start, continue as new, purge.
-- Each function is one transaction's work, takes its locks in the order of 0001 and says in the journal who did it and why.

ALTER TABLE highway.workflow_run
    ADD COLUMN paused_at timestamptz,        -- set from the request to pause until it is resumed or ends
    ADD COLUMN paused_by text,
    ADD COLUMN pause_reason text,
    ADD COLUMN paused_with uuid,             -- the run above whose pause this one follows; NULL when it was paused itself
    ADD COLUMN fork_of uuid,                 -- the run whose history it began with, and the step from which it goes its own way
    ADD COLUMN fork_step text,
    ADD COLUMN continued_from uuid,          -- its neighbours in a chain of runs that continue each other, and the first of the chain
    ADD COLUMN continued_to uuid,
    ADD COLUMN first_run_id uuid;
CREATE INDEX workflow_run_fork ON highway.workflow_run (tenant_id, fork_of) WHERE fork_of IS NOT NULL;
CREATE INDEX workflow_run_chain ON highway.workflow_run (tenant_id, continued_from) WHERE continued_from IS NOT NULL;

-- What a wait was handed: a person's answer, a signal, an update. It is over then.
ALTER TABLE highway.wait ADD COLUMN given jsonb;

-- The given runs and all open runs below them.
CREATE FUNCTION highway.open_families(p_tenants uuid[], p_runs uuid[], OUT tenants uuid[], OUT runs uuid[])
    LANGUAGE sql STABLE AS $$
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

-- Takes the given tasks and every open task of the given runs and of the open runs below them, and returns them as they are then. A child that was
-- started between the look and the locks is found by a second look; then everything is given up and taken anew, in order. That ends, as
-- whoever could start another child is held.
CREATE FUNCTION highway.lock_families(p_tenants uuid[], p_tasks uuid[], p_run_tenants uuid[], p_runs uuid[])
    RETURNS TABLE (tenant_id uuid, task_id uuid, epoch integer, state text, cancel_requested boolean, pause_requested boolean)
    LANGUAGE plpgsql AS $$
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

-- Takes a run's own task, whatever its state, and its open ones: as long as they are held the run neither starts, ends, is purged nor restarted.
CREATE FUNCTION highway.hold_run(p_tenant uuid, p_run uuid) RETURNS highway.workflow_run
    LANGUAGE plpgsql AS $$
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

-- The run, which has to be open; its tasks are held by the caller. Unknown is HW001, ended is HW002.
CREATE FUNCTION highway.open_run(p_tenant uuid, p_run uuid) RETURNS highway.workflow_run
    LANGUAGE plpgsql AS $$
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

CREATE FUNCTION highway.note(p_tenant uuid, p_run uuid, p_kind text, p_data jsonb, p_scope text DEFAULT '', p_step text DEFAULT '') RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (p_tenant, p_run, highway.now(), p_kind, p_scope, p_step, jsonb_strip_nulls(p_data))
$$;

-- Pauses a run and the open runs below it: what nobody executes at once, what is executed at its next step boundary. A task that was asked to
-- stop goes on stopping. The caller holds the open tasks of all of them.
CREATE FUNCTION highway.apply_pause(p_tenant uuid, p_run uuid, p_by text, p_reason text) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- A child that a pausing run starts begins paused, with it. The caller holds the parent's task.
CREATE FUNCTION highway.pause_with_parent(p_tenant uuid, p_run uuid, p_parent uuid) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Pauses a run; once is enough. Returns its status afterwards: what it is until its worker has come to a step boundary.
CREATE FUNCTION highway.pause_run(p_tenant uuid, p_run uuid, p_by text DEFAULT '', p_reason text DEFAULT '') RETURNS text
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM highway.lock_families('{}', '{}', ARRAY[p_tenant], ARRAY[p_run]);
    IF (highway.open_run(p_tenant, p_run)).cancel_requested_at IS NOT NULL THEN
        RAISE EXCEPTION 'workflow run % is being stopped', p_run USING ERRCODE = 'HW002';
    END IF;
    PERFORM highway.apply_pause(p_tenant, p_run, p_by, p_reason);
    RETURN (SELECT r.status FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);
END
$$;

-- Ends the pause of a run and of those below that were paused with it. The caller holds their open tasks. `available_at` of a paused task is when
-- time would have woken it; one that has come while it was paused has not been forgotten.
CREATE FUNCTION highway.apply_resume(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- How a step is named in its whole run: its key, after the key of its branch or activity.
CREATE FUNCTION highway.step_path(p_scope text, p_key text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN p_scope = '' THEN p_key ELSE p_scope || '/' || p_key END;

-- The steps of a run whose attempts are spent and that wait for a person who has not answered yet, by their paths ("scope/step").
CREATE FUNCTION highway.exhausted_steps(p_tenant uuid, p_run uuid)
    RETURNS TABLE (path text, task_id uuid, scope text, step_key text, attempt integer, error jsonb, request jsonb)
    LANGUAGE sql STABLE AS $$
    SELECT highway.step_path(t.key, w.step_key), w.task_id, t.key, w.step_key, w.attempt, w.error, w.request
      FROM highway.task AS t
      JOIN highway.wait AS w ON w.tenant_id = t.tenant_id AND w.task_id = t.task_id
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND w.kind = 'person'
       AND w.request ->> 'kind' = 'exhausted' AND w.given IS NULL
     ORDER BY w.created_at, w.step_key
$$;

-- Resumes a run that is paused, or that waits for a person because a step's attempts are spent: such steps are tried again, those named in
-- `p_inputs` (path -> {"args": [...], "kwargs": {...}}) with what is given there. Returns the run's status afterwards.
CREATE FUNCTION highway.resume_run(p_tenant uuid, p_run uuid, p_by text DEFAULT '', p_inputs jsonb DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Wakes tasks of a run that are asleep although a person has answered; the caller holds them. (Paused ones are for apply_resume.)
CREATE FUNCTION highway.wake_answered(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE sql AS $$
    UPDATE highway.task AS t SET state = 'pending', available_at = highway.now()
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND t.state = 'sleeping'
       AND EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id
                      AND w.kind = 'person' AND w.given IS NOT NULL)
$$;

-- Fails a step that waits for a person because its attempts are spent. The run goes on, unless another such step still waits.
CREATE FUNCTION highway.give_up_step(p_tenant uuid, p_run uuid, p_path text, p_by text DEFAULT '') RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Ends a run in any open state, with its branches, activities and the open runs below it, without anybody's cooperation: every claim becomes void.
-- Whoever waits for it is told as always. Its workers find out and stop their calls; what they still write changes nothing.
CREATE FUNCTION highway.kill_run(p_tenant uuid, p_run uuid, p_by text DEFAULT '', p_reason text DEFAULT 'killed') RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Takes every task of a run and of all runs below it, whatever their states, for a restart. Returns them, parents before what they forked.
CREATE FUNCTION highway.hold_for_restart(p_tenant uuid, p_run uuid) RETURNS SETOF highway.task
    LANGUAGE plpgsql AS $$
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

-- Lets an ended run go on in place: the one edge out of a terminal state, and its one door (see refuse_leaving_terminal in 0002). The checkpoints
-- named by scope and key are taken out and kept in the journal; the given tasks become claimable; completion events of activities among them
-- may be emitted again. The deadline moves by the time the run was ended, or begins anew when it is what ended the run. The caller holds the tasks.
CREATE FUNCTION highway.restart_run(
    p_tenant uuid, p_run uuid, p_tasks uuid[], p_scopes text[], p_keys text[], p_by text DEFAULT '', p_reason text DEFAULT '') RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Cancels a child run because its parent, or the branch of it that started it, has ended badly: asked again while the parent's task is held, as
-- the parent may have been restarted since the orphan was seen.
CREATE FUNCTION highway.cancel_orphan(p_tenant uuid, p_run uuid, p_reason text, p_outcome text) RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Starts a new run with the history of another: the checkpoints named by scope and key; the tasks named by key, ended where `p_ended` says so and
-- claimable else; variables as the copied steps left them (of branches, which are copied as far as they came: as they are now); what those steps emitted, and events and signals from outside that came before `p_before`. The caller
-- holds the source.
CREATE FUNCTION highway.fork_run(
    p_tenant uuid, p_source uuid, p_step text, p_inputs jsonb, p_by text,
    p_scopes text[], p_keys text[], p_tasks text[], p_ended boolean[], p_before timestamptz)
    RETURNS uuid
    LANGUAGE plpgsql AS $$
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

-- Plans the start of a run that has not started; its deadline is counted from then. What a fork has taken over of its source's branches and activities
-- begins no earlier. The caller holds its rows.
CREATE FUNCTION highway.plan_start(p_tenant uuid, p_run uuid, p_at timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Moves the start of a run that has not started. Returns its status afterwards.
CREATE FUNCTION highway.change_start(p_tenant uuid, p_run uuid, p_at timestamptz, p_by text DEFAULT '') RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Changes the priority of an open run and of all that is open in it.
CREATE FUNCTION highway.set_priority(p_tenant uuid, p_run uuid, p_priority smallint, p_by text DEFAULT '') RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM highway.hold_run(p_tenant, p_run), highway.open_run(p_tenant, p_run);
    UPDATE highway.workflow_run AS r SET priority = p_priority WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    UPDATE highway.task AS t SET priority = p_priority
     WHERE t.tenant_id = p_tenant AND t.workflow_run_id = p_run AND highway.is_open(t.state);
    PERFORM highway.note(p_tenant, p_run, 'priority_changed', jsonb_build_object('by', p_by, 'priority', p_priority));
END
$$;

-- Starts the next run of a chain on behalf of a claimed root task that ends in the same transaction. The next one takes its place with whoever
-- waits for it: they hear of the last one's end. One that was asked to stop is not continued but ends as it was asked to. Returns the next
-- run; NULL when the fence is stale or there is none. The caller holds the task.
CREATE FUNCTION highway.continue_run(p_tenant uuid, p_task uuid, p_epoch integer, p_inputs jsonb) RETURNS uuid
    LANGUAGE plpgsql AS $$
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

-- Forgets an ended run: every row of it in every table that names runs, except answers under idempotency keys, which outlive what they started.
CREATE FUNCTION highway.purge_run(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
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
