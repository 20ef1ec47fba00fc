-- What the crash tests see of history: every change of a task, late writers, forged statuses, timers. Installed by the superuser into test databases.
CREATE SCHEMA crash;
CREATE TABLE crash.task_change (
    seq bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), tenant_id uuid, task_id uuid, workflow_run_id uuid, kind text,
    old_state text, new_state text, old_epoch integer, new_epoch integer, old_worker uuid, new_worker uuid,
    session text NOT NULL DEFAULT current_setting('application_name'));
CREATE INDEX ON crash.task_change (task_id, new_epoch);
CREATE TABLE crash.late_write (at timestamptz NOT NULL DEFAULT clock_timestamp(), workflow_run_id uuid, scope text, step_key text, writer uuid, owner uuid);
CREATE TABLE crash.forged_status (at timestamptz NOT NULL DEFAULT clock_timestamp(), workflow_run_id uuid, status text);
-- Durable code has one wait after the other under its step's key: each has a name of its own, under which it is checkpointed.
CREATE TABLE crash.timer (workflow_run_id uuid, task_id uuid, step_key text, kind text, due_at timestamptz);
CREATE INDEX ON crash.timer (workflow_run_id);

CREATE FUNCTION crash.note_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO crash.task_change (tenant_id, task_id, workflow_run_id, kind, old_state, new_state, old_epoch, new_epoch, old_worker, new_worker)
    VALUES (NEW.tenant_id, NEW.task_id, NEW.workflow_run_id, NEW.kind, OLD.state, NEW.state, OLD.epoch, NEW.epoch, OLD.claimed_by, NEW.claimed_by);
    RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER UPDATE ON highway.task FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.epoch <> NEW.epoch OR OLD.claimed_by IS DISTINCT FROM NEW.claimed_by)
    EXECUTE FUNCTION crash.note_task();

-- A checkpoint names its writer; at that moment the task has to be the writer's.
CREATE FUNCTION crash.note_checkpoint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_owner uuid;
BEGIN
    SELECT t.claimed_by INTO v_owner FROM highway.task AS t
     WHERE t.tenant_id = NEW.tenant_id AND t.workflow_run_id = NEW.workflow_run_id AND t.key = NEW.scope;
    IF v_owner IS DISTINCT FROM NEW.worker_id THEN
        INSERT INTO crash.late_write (workflow_run_id, scope, step_key, writer, owner)
        VALUES (NEW.workflow_run_id, NEW.scope, NEW.step_key, NEW.worker_id, v_owner);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER INSERT OR UPDATE ON highway.checkpoint FOR EACH ROW EXECUTE FUNCTION crash.note_checkpoint();

-- Only the trigger on tasks may set a run's status: then it is called from inside a trigger.
CREATE FUNCTION crash.note_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        INSERT INTO crash.forged_status (workflow_run_id, status) VALUES (NEW.workflow_run_id, NEW.status);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER UPDATE ON highway.workflow_run FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION crash.note_status();

CREATE FUNCTION crash.note_timer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO crash.timer
    VALUES (NEW.workflow_run_id, NEW.task_id, concat_ws('.', NEW.step_key, NEW.request ->> 'note'), NEW.kind, NEW.due_at);
    RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER INSERT OR UPDATE ON highway.wait FOR EACH ROW
    WHEN (NEW.kind IN ('timer', 'retry')) EXECUTE FUNCTION crash.note_timer();

CREATE TABLE crash.worker_name (worker_id uuid PRIMARY KEY, name text);
CREATE FUNCTION crash.note_worker() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO crash.worker_name VALUES (NEW.worker_id, NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER crash_note AFTER INSERT ON highway.worker FOR EACH ROW EXECUTE FUNCTION crash.note_worker();
