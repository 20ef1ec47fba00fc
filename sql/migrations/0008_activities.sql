-- Activities: long calls on queues of their own, with four time limits, heartbeats, and details that survive from attempt to attempt.
--
-- What only activities have stands beside their tasks, so that a heartbeat rewrites a narrow row and none of the indexes that claims read.
-- Whoever writes here on behalf of an attempt holds the row of its task: that is the fence.

CREATE TABLE highway.activity (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    function text NOT NULL DEFAULT '',
    max_attempts integer NOT NULL DEFAULT 1,
    schedule_to_start_seconds double precision,
    schedule_to_close_seconds double precision,
    start_by timestamptz,                    -- schedule-to-start: no attempt may begin later; NULL when there is nothing to watch (any more)
    close_by timestamptz,                    -- schedule-to-close: everything is over by then
    start_to_close_seconds double precision, -- of each attempt
    heartbeat_seconds double precision,      -- the longest silence of an attempt
    epoch integer NOT NULL DEFAULT 0,        -- the claim in which the attempt below was reported; older than the task's: it is over
    attempt integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    worker_id uuid,
    last_heartbeat_at timestamptz,
    heartbeats integer NOT NULL DEFAULT 0,   -- how often its own code has sent one
    details jsonb,                           -- what it said last; the next attempt gets it
    failed_attempt jsonb,                    -- an attempt that was ended from outside, for the next claim to count: {attempt, seconds, error}
    cancel_reason text,
    PRIMARY KEY (tenant_id, task_id),
    FOREIGN KEY (tenant_id, task_id) REFERENCES highway.task ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX activity_start_by ON highway.activity (start_by) WHERE start_by IS NOT NULL;
CREATE INDEX activity_close_by ON highway.activity (close_by) WHERE close_by IS NOT NULL;
CALL highway.protect('highway.activity');

CREATE INDEX task_activity ON highway.task (tenant_id, state, task_id) WHERE kind = 'activity';
CREATE INDEX task_activity_running ON highway.task (task_id) WHERE kind = 'activity' AND state = 'running';

-- The last hundred heartbeats of each activity: a ring, so that it is bounded by itself.
CREATE TABLE highway.activity_heartbeat (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 99),
    number integer NOT NULL,
    at timestamptz NOT NULL,
    attempt integer NOT NULL,
    worker_id uuid,
    details jsonb,
    PRIMARY KEY (tenant_id, task_id, slot),
    FOREIGN KEY (tenant_id, task_id) REFERENCES highway.activity ON DELETE CASCADE
);
CREATE INDEX activity_heartbeat_at ON highway.activity_heartbeat (tenant_id, at);
CREATE INDEX activity_heartbeat_age ON highway.activity_heartbeat (at);
CALL highway.protect('highway.activity_heartbeat');

-- The error of an activity or attempt that took too long.
CREATE FUNCTION highway.limit_error(p_limit text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object(
        'kind', 'timeout', 'type', p_limit, 'retryable', p_limit IN ('StartToClose', 'Heartbeat'),
        'message', CASE p_limit
                   WHEN 'StartToClose' THEN 'the attempt took longer than its start-to-close limit'
                   WHEN 'Heartbeat' THEN 'no heartbeat came within the heartbeat limit'
                   WHEN 'ScheduleToStart' THEN 'no worker began it within the schedule-to-start limit'
                   ELSE 'it was not over within the schedule-to-close limit' END);

-- Which limit the reported attempt has broken, if any. The grace is for its worker, which watches the same limits and is the first to know.
CREATE FUNCTION highway.broken_limit(p_activity highway.activity, p_grace_seconds double precision) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE
        WHEN p_activity.started_at + make_interval(secs => p_activity.start_to_close_seconds + p_grace_seconds) <= highway.now()
        THEN 'StartToClose'
        WHEN greatest(p_activity.started_at, p_activity.last_heartbeat_at)
             + make_interval(secs => p_activity.heartbeat_seconds + p_grace_seconds) <= highway.now()
        THEN 'Heartbeat' END;

-- Has no attempt of it begun? A worker reports a beginning within a second; a wait or a rescue tells of an attempt that was shorter.
CREATE FUNCTION highway.is_unstarted(p_task highway.task, p_activity highway.activity) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN p_activity.started_at IS NULL AND p_task.rescues = 0 AND NOT EXISTS (
        SELECT FROM highway.wait AS w WHERE w.tenant_id = p_task.tenant_id AND w.task_id = p_task.task_id AND w.kind <> 'slot');

-- Activities of a forked run have the plans of those that they were copied from; their limits count from the fork.
CREATE FUNCTION highway.copy_plans(p_tenant uuid, p_source uuid, p_run uuid) RETURNS void
    LANGUAGE sql AS $$
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

-- An activity that is restarted begins anew: its limits count from then on. What its last attempt said stays, for the next one.
CREATE FUNCTION highway.begin_activity_anew() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE highway.activity AS a
       SET start_by = highway.now() + make_interval(secs => a.schedule_to_start_seconds),
           close_by = highway.now() + make_interval(secs => a.schedule_to_close_seconds),
           started_at = NULL, failed_attempt = NULL, cancel_reason = NULL
     WHERE a.tenant_id = NEW.tenant_id AND a.task_id = NEW.task_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER begin_activity_anew AFTER UPDATE OF state ON highway.task
    FOR EACH ROW WHEN (NEW.kind = 'activity' AND NOT highway.is_open(OLD.state) AND highway.is_open(NEW.state))
    EXECUTE FUNCTION highway.begin_activity_anew();

-- Ends an activity that has broken a limit as a whole: nobody began it in time, or it is not over in time. Returns the limit, NULL when it
-- has broken none (any more). An attempt under way is given up: its claim's epoch is old then, whatever it still says.
CREATE FUNCTION highway.expire_activity(p_tenant uuid, p_task uuid) RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Asks one activity to stop, and leaves the rest of its run alone. Returns its state afterwards: ended at once when nobody executes it.
CREATE FUNCTION highway.cancel_activity(p_tenant uuid, p_task uuid, p_reason text DEFAULT 'cancelled') RETURNS text
    LANGUAGE plpgsql AS $$
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

-- Anew, as it reads this file's table: an activity that was cancelled alone says why.
CREATE OR REPLACE FUNCTION highway.stop_reason(p_task highway.task) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN highway.stop_error(
        highway.stop_outcome(p_task),
        coalesce((SELECT r.cancel_reason FROM highway.workflow_run AS r
                   WHERE r.tenant_id = p_task.tenant_id AND r.workflow_run_id = p_task.workflow_run_id),
                 (SELECT a.cancel_reason FROM highway.activity AS a
                   WHERE a.tenant_id = p_task.tenant_id AND a.task_id = p_task.task_id), 'cancelled'));
