-- Many runs of one definition in one statement: the same as so many calls of highway.submit_run, at a fraction of the cost.

-- Starts a run for each of the inputs, in their order; their ids. No rows when there is no such definition. All or none: HW002 and HW004 as for one.
CREATE FUNCTION highway.submit_runs(
    p_tenant uuid, p_definition uuid, p_inputs text[], p_queue text, p_priority smallint, p_delay_seconds double precision,
    p_tags text[], p_attributes jsonb, p_trigger text, p_triggered_by text)
    RETURNS SETOF uuid
    LANGUAGE plpgsql AS $$
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
