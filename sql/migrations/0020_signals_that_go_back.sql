-- A signal is taken by the step that it is given to. When the task of the step is stopped before it has heard of it (it was paused, or asleep, or its
-- worker dead), nothing was made of the signal: it goes back to the inbox, to the next who waits for it, or to the step itself after a restart.
-- Whoever ends a task from outside holds the open tasks of its run, as who hands messages out must.
CREATE FUNCTION highway.return_signal() RETURNS trigger
    LANGUAGE plpgsql AS $$
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

CREATE TRIGGER return_signal AFTER DELETE ON highway.wait
    FOR EACH ROW WHEN (OLD.kind = 'signal' AND OLD.given ? 'seq') EXECUTE FUNCTION highway.return_signal();
