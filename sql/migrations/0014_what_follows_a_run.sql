-- What follows a run wherever it goes: the limits and the key of its submission, and what its variables were at each of its steps.

-- The limits that the submission gave beside those of the definition, and the singleton key that it was under: a retry, a restart, a fork and
-- the next run of a chain keep them.
ALTER TABLE highway.workflow_run ADD COLUMN limits jsonb, ADD COLUMN singleton_key text;

-- What a run has to pass before it has passed anything.
CREATE FUNCTION highway.gate_of_run(p_tenant uuid, p_run uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN (SELECT highway.gate_of(coalesce(d.limits, '[]') || coalesce(r.limits, '[]'), d.name, r.inputs)
              FROM highway.workflow_run AS r
              JOIN highway.workflow_definition AS d ON d.tenant_id = r.tenant_id AND d.definition_id = r.definition_id
             WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND (d.limits IS NOT NULL OR r.limits IS NOT NULL));

-- The run stands under the singleton key from now on; its end gives it back. The caller has taken the key (highway.take_run_key).
CREATE FUNCTION highway.stand_under(p_tenant uuid, p_run uuid, p_key text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE highway.run_key AS k SET workflow_run_id = p_run WHERE k.tenant_id = p_tenant AND k.kind = 'singleton' AND k.key = p_key;
    UPDATE highway.workflow_run AS r SET singleton_key = p_key WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run;
    UPDATE highway.task AS t SET limited = true WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

-- A run that repeats another, or goes on in place, stands under its singleton key as that did. Refused (HW002) while yet another is open under it.
CREATE FUNCTION highway.stand_under_again(p_tenant uuid, p_run uuid, p_repeats uuid) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_key text := (SELECT r.singleton_key FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_repeats);
BEGIN
    IF v_key IS NOT NULL THEN
        PERFORM highway.take_run_key(p_tenant, 'singleton', v_key, '{}', '{"policy": "refuse"}');
        PERFORM highway.stand_under(p_tenant, p_run, v_key);
    END IF;
END
$$;

-- The variables that a step has set, with its checkpoint; NULL for all those that set none. A fork finds here what they were at its step.
ALTER TABLE highway.checkpoint ADD COLUMN variables jsonb;

-- The partition that a run was submitted for; '' for none.
CREATE FUNCTION highway.partition_of(p_tenant uuid, p_run uuid) RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT t.partition_key FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run), '');

-- ADMISSION OF CHILDREN. A child run asks for admission as a submission does. One that may not join its queue now exists all the same (its parent waits
-- for it, people see, pause and cancel it), but it stands at the door: its task sleeps without a time, and a wait of kind `room` keeps its gate. The
-- service `admission` lets it in when the queue takes runs again and the tenant's backlog has room, the oldest first.
CREATE INDEX wait_for_room ON highway.wait (tenant_id, task_id) WHERE kind = 'room';

-- WHAT BEGINS WITH ITS RUN. A fork takes over branches and activities that are open, and a restart opens them again. While their run has still to pass
-- its limits they wait with it: asleep without a time, by a wait of kind `start`, which the claim that passes the limits ends (pass_gates).
CREATE INDEX wait_for_start ON highway.wait (tenant_id, workflow_run_id) WHERE kind = 'start';

-- Keeps what is claimable of a run until the run itself begins. The caller has made or holds its tasks.
CREATE FUNCTION highway.hold_back(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- Lets begin what was kept until its run began; the limits of activities count from now.
CREATE FUNCTION highway.let_begin(p_tenants uuid[], p_runs uuid[]) RETURNS void
    LANGUAGE sql AS $$
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

CREATE FUNCTION highway.is_draining(p_tenant uuid, p_queue text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM highway.queue_policy AS q WHERE q.queue = p_queue AND q.draining
                      AND q.tenant_id IN (p_tenant, '00000000-0000-0000-0000-000000000000'));

-- The cap on a tenant's backlog; NULL: none.
CREATE FUNCTION highway.backlog_cap(p_tenant uuid) RETURNS integer
    LANGUAGE sql STABLE
    RETURN (SELECT p.max_backlog FROM highway.tenant_policy AS p WHERE p.tenant_id = p_tenant AND NOT p.exempt);

-- Runs that are due or held at a limit and have not started; of each kind up to `p_most` are counted.
CREATE FUNCTION highway.backlog(p_tenant uuid, p_most integer) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT count(*) FROM (SELECT FROM highway.ids_between() AS b CROSS JOIN LATERAL (
                SELECT FROM highway.workflow_run AS r
                 WHERE r.tenant_id = p_tenant AND (r.status, r.workflow_run_id) >= ('pending', b.low) AND (r.status, r.workflow_run_id) < ('pending', b.high)
                 ORDER BY r.status, r.workflow_run_id LIMIT p_most) AS r) AS due)
         + (SELECT count(*) FROM (SELECT FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.gate IS NOT NULL AND t.state = 'sleeping'
                                   LIMIT p_most) AS held);

-- Children that would come in if there were room, up to `p_most`. Submissions count them, so that nobody overtakes them for ever.
CREATE FUNCTION highway.at_the_door(p_tenant uuid, p_most integer) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT count(*) FROM (
        SELECT FROM highway.wait AS w JOIN highway.task AS t USING (tenant_id, task_id)
         WHERE w.tenant_id = p_tenant AND w.kind = 'room' AND t.state = 'sleeping' AND NOT highway.is_draining(t.tenant_id, t.queue)
         LIMIT p_most) AS o);

-- Whether a child may join the queue now. Waits for nobody, as the caller holds tasks: where another submission of a tenant with a cap is being
-- decided this very moment, the child stands at the door for a moment.
CREATE FUNCTION highway.admits_child(p_tenant uuid, p_queue text) RETURNS boolean
    LANGUAGE plpgsql AS $$
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

-- Puts a run that was made in this transaction in front of the door.
CREATE FUNCTION highway.stand_at_the_door(p_tenant uuid, p_run uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO highway.wait (tenant_id, task_id, step_key, workflow_run_id, kind, request)
    SELECT t.tenant_id, t.task_id, '@room', t.workflow_run_id, 'room', jsonb_build_object('gate', t.gate)
      FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
    UPDATE highway.task AS t SET state = 'sleeping', available_at = NULL, gate = NULL WHERE t.tenant_id = p_tenant AND t.task_id = p_run;
END
$$;

-- Lets children of one tenant in, the oldest first, as many as there is room for. Returns how many. Waits for nobody: a task that somebody holds is
-- passed by, and while a submission is being decided nobody comes in.
CREATE FUNCTION highway.admit_children(p_tenant uuid, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql AS $$
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

-- Why a run of this tenant may not join the queue now, in words; NULL when it may.
CREATE FUNCTION highway.why_at_the_door(p_tenant uuid, p_queue text) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE
        WHEN highway.is_draining(p_tenant, p_queue) THEN format('the queue %L is draining: it takes no new runs', p_queue)
        WHEN highway.backlog(p_tenant, highway.backlog_cap(p_tenant)) >= highway.backlog_cap(p_tenant)
        THEN format('%s runs of the tenant are waiting to start, and %s is the limit',
                    highway.backlog(p_tenant, highway.backlog_cap(p_tenant)), highway.backlog_cap(p_tenant)) END;
