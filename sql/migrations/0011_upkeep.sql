-- Guards and upkeep: circuit breakers, named locks, dead letters, search attributes, payloads apart from their rows, retention.
-- All of it is "everything else" of the lock order: rows of these tables are taken last, those of one kind in the order of their keys.

-- CIRCUIT BREAKERS. A row exists from the first failure on; a resource that never failed costs nothing. `workflow_name` is '' for a
-- breaker that the whole tenant shares.
CREATE TABLE highway.breaker (
    tenant_id uuid NOT NULL,
    workflow_name text NOT NULL DEFAULT '',
    resource_key text NOT NULL CHECK (length(resource_key) BETWEEN 1 AND 200),
    state text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
    consecutive_failures integer NOT NULL DEFAULT 0,
    successes integer NOT NULL DEFAULT 0,    -- of probes, since it is half open
    open_until timestamptz,
    probe_task_id uuid,                      -- the one call that may find out whether the resource is well again,
    probe_epoch integer,                     -- for as long as this claim of its task lives
    probe_step text,
    last_error jsonb,
    last_failure_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    changed_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, workflow_name, resource_key),
    CHECK ((state = 'open') = (open_until IS NOT NULL)),
    CHECK (state = 'half_open' OR probe_task_id IS NULL)
) WITH (fillfactor = 50);
CALL highway.protect('highway.breaker');

-- May this call be made? An open breaker whose isolation is over becomes half open and lets exactly one call through at a time: its probe.
-- A probe whose claim is gone (worker dead, task given back) is over without an outcome, and the next call is the probe.
CREATE FUNCTION highway.admit_call(
    p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text,
    OUT admitted boolean, OUT state text, OUT seconds double precision)
    LANGUAGE plpgsql AS $$
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

CREATE FUNCTION highway.tell_of_breaker(p_tenant uuid, p_run uuid, p_scope text, p_step text, p_state text, p_workflow text, p_resource text)
    RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (p_tenant, p_run, highway.now(), 'breaker_' || p_state, p_scope, p_step,
            jsonb_build_object('resource_key', p_resource, 'workflow_name', nullif(p_workflow, '')))
$$;

-- One call has ended: failed, succeeded, or without telling anything about the resource (neutral). Only the probe decides about a breaker
-- that is not closed: late answers of calls that began before it opened change nothing.
CREATE FUNCTION highway.count_call(
    p_tenant uuid, p_workflow text, p_resource text, p_run uuid, p_scope text, p_task uuid, p_epoch integer, p_step text,
    p_outcome text, p_failure_threshold integer, p_success_threshold integer, p_isolation_seconds double precision, p_error jsonb)
    RETURNS void
    LANGUAGE plpgsql AS $$
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

-- The outcomes of a group commit, fenced, breaker after breaker in one order and call after call in each. What succeeded on a breaker that is closed
-- and clean writes nothing and locks nothing.
CREATE FUNCTION highway.count_calls(
    p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_workflows text[], p_resources text[], p_outcomes text[],
    p_failure_thresholds integer[], p_success_thresholds integer[], p_isolations double precision[], p_errors text[])
    RETURNS void
    LANGUAGE plpgsql AS $$
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

-- NAMED LOCKS. One row for each request, in the order of their tickets; the task with the lowest ticket of a name holds the lock, and its
-- ticket is the fencing number. Requests of a name take turns (an advisory lock until their commit), so that tickets become visible in order:
-- then whoever is first stays first until its row is gone, and two can never both be first. A ticket lives at most as long as its task.
CREATE SEQUENCE highway.ticket_seq;
GRANT USAGE ON SEQUENCE highway.ticket_seq TO app_web, app_worker;
CREATE TABLE highway.named_lock (
    tenant_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    ticket bigint NOT NULL DEFAULT nextval('highway.ticket_seq'),
    workflow_run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT highway.now(),
    acquired_at timestamptz,                 -- when its step was told that it holds the lock
    PRIMARY KEY (tenant_id, name, ticket),
    UNIQUE (tenant_id, task_id, step_key)
);
CREATE INDEX named_lock_run ON highway.named_lock (tenant_id, workflow_run_id);
CREATE INDEX named_lock_waiting ON highway.named_lock (tenant_id, name, ticket) WHERE acquired_at IS NULL;
CALL highway.protect('highway.named_lock');

ALTER TABLE highway.task ADD COLUMN holds_locks boolean NOT NULL DEFAULT false;  -- it has asked for one: its end looks for tickets

-- The ticket by which a task holds a lock, NULL while it does not.
CREATE FUNCTION highway.lock_granted(p_tenant uuid, p_task uuid, p_name text) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN n.task_id = p_task THEN n.ticket END FROM highway.named_lock AS n
             WHERE n.tenant_id = p_tenant AND n.name = p_name ORDER BY n.ticket LIMIT 1);

-- Requests of claimed tasks, whose rows the caller holds. A task that holds the lock already gets behind its own first ticket: it waits for nobody.
CREATE FUNCTION highway.queue_for_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[]) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- What steps make of their tickets: `held` (told that it has the lock), `left` (does not wait any longer), `released` (all the task holds of that name).
CREATE FUNCTION highway.change_locks(p_tenants uuid[], p_tasks uuid[], p_epochs integer[], p_steps text[], p_names text[], p_changes text[])
    RETURNS void
    LANGUAGE plpgsql AS $$
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

CREATE FUNCTION highway.drop_tickets_of_ended_task() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM highway.named_lock AS n WHERE n.tenant_id = NEW.tenant_id AND n.task_id = NEW.task_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER tickets_end_with_their_task AFTER UPDATE OF state ON highway.task
    FOR EACH ROW WHEN (NEW.holds_locks AND NOT highway.is_open(NEW.state)) EXECUTE FUNCTION highway.drop_tickets_of_ended_task();

-- Tickets are gone, however that came about: the journal says so, and whoever is first now is woken. Passes by a task whose row is locked (it may be
-- going to sleep this very moment, and to wait for it here would be against the lock order): the service `locks` wakes that one a moment later.
CREATE FUNCTION highway.pass_locks_on() RETURNS trigger
    LANGUAGE plpgsql AS $$
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
CREATE TRIGGER pass_locks_on AFTER DELETE ON highway.named_lock REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION highway.pass_locks_on();

-- DEAD LETTERS: what the engine gave up on. Written in the transaction of the failing end.
CREATE TABLE highway.dead_letter (
    tenant_id uuid NOT NULL,
    dead_letter_id uuid NOT NULL DEFAULT highway.uuid7(),
    reason text NOT NULL CHECK (reason IN ('poison', 'definition', 'storage', 'divergence', 'internal', 'activity', 'schedule')),
    workflow_run_id uuid,                    -- NULL: nothing was started; then `request` says what should have been
    task_id uuid,
    scope text NOT NULL DEFAULT '',
    step_key text NOT NULL DEFAULT '',
    error jsonb NOT NULL,
    request jsonb NOT NULL DEFAULT '{}',     -- definition_id, inputs, queue, priority of what was not started
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    requeued_at timestamptz,
    requeued_by text,
    requeued_run_id uuid,
    PRIMARY KEY (tenant_id, dead_letter_id),
    CHECK ((requeued_at IS NULL) = (requeued_run_id IS NULL))
);
CREATE INDEX dead_letter_run ON highway.dead_letter (tenant_id, workflow_run_id);
CREATE INDEX dead_letter_open ON highway.dead_letter (tenant_id, dead_letter_id) WHERE requeued_at IS NULL;
CALL highway.protect('highway.dead_letter');

CREATE FUNCTION highway.bury_failed_task() RETURNS trigger
    LANGUAGE plpgsql AS $$
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
-- Not every failure is a dead letter: a step that failed for good is the workflow's own affair.
CREATE TRIGGER bury_failed_task AFTER UPDATE OF state ON highway.task
    FOR EACH ROW WHEN (NEW.state = 'failed' AND OLD.state IS DISTINCT FROM NEW.state AND NEW.error IS NOT NULL
                       AND (NEW.kind = 'activity' OR NEW.error ->> 'kind' IN ('poison', 'divergence', 'internal')))
    EXECUTE FUNCTION highway.bury_failed_task();

-- SEARCH ATTRIBUTES AND TAGS, one row for each value, so that an equality finds the newest runs of a tenant by a plain index, also under row-level
-- security (where PostgreSQL does not let a GIN index answer: its operators are not leakproof). Tags stand under the name '#'.
CREATE TABLE highway.run_attribute (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value text NOT NULL,                     -- as text, at most 200 characters
    workflow_run_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, name, value, workflow_run_id)
);
CREATE INDEX run_attribute_run ON highway.run_attribute (tenant_id, workflow_run_id);
CALL highway.protect('highway.run_attribute');

CREATE FUNCTION highway.index_attributes() RETURNS trigger
    LANGUAGE plpgsql AS $$
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
CREATE TRIGGER index_attributes_of_new AFTER INSERT ON highway.workflow_run
    FOR EACH ROW WHEN (NEW.attributes <> '{}' OR NEW.tags <> '{}') EXECUTE FUNCTION highway.index_attributes();
CREATE TRIGGER index_changed_attributes AFTER UPDATE OF attributes, tags ON highway.workflow_run
    FOR EACH ROW WHEN (NEW.attributes IS DISTINCT FROM OLD.attributes OR NEW.tags IS DISTINCT FROM OLD.tags)
    EXECUTE FUNCTION highway.index_attributes();

-- Merges attributes into those of a run, open or ended; null takes one away. The caller holds the run's own task.
CREATE FUNCTION highway.merge_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql AS $$
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

-- The same from outside.
CREATE FUNCTION highway.set_attributes(p_tenant uuid, p_run uuid, p_changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no workflow run %', p_run USING ERRCODE = 'HW001';
    END IF;
    RETURN highway.merge_attributes(p_tenant, p_run, p_changes);
END
$$;

-- PAYLOADS APART FROM THEIR ROWS: large values stand here once for each content, and rows hold a reference {"$blob": {"sha256", "bytes"}}.
-- Which run refers to what is a row; the foreign key makes a reference and the collection of its blob exclude each other.
CREATE TABLE highway.blob (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes integer NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, sha256)
);
CALL highway.protect('highway.blob');
CREATE TABLE highway.blob_reference (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (tenant_id, workflow_run_id, sha256),
    FOREIGN KEY (tenant_id, sha256) REFERENCES highway.blob
);
CREATE INDEX blob_reference_blob ON highway.blob_reference (tenant_id, sha256);
CALL highway.protect('highway.blob_reference');

-- A run that is started with inputs that stand elsewhere refers to them.
CREATE FUNCTION highway.refer_to_inputs() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO highway.blob_reference (tenant_id, workflow_run_id, sha256)
    VALUES (NEW.tenant_id, NEW.workflow_run_id, NEW.inputs -> '$blob' ->> 'sha256');
    RETURN NULL;
END
$$;
CREATE TRIGGER refer_to_inputs AFTER INSERT ON highway.workflow_run
    FOR EACH ROW WHEN (NEW.inputs ? '$blob') EXECUTE FUNCTION highway.refer_to_inputs();

-- Deletes blobs that no run refers to. Locked first and looked at again then: a reference that was committed in between keeps its blob, and one that
-- is being made holds the blob's row, which is passed by.
CREATE FUNCTION highway.collect_blobs(p_quantity integer) RETURNS integer
    LANGUAGE plpgsql AS $$
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

-- RETENTION. NULL keeps for ever. A tenant without a row has the defaults of highway.keeps.
CREATE TABLE highway.retention_policy (
    tenant_id uuid PRIMARY KEY,
    keep_completed_days integer CHECK (keep_completed_days > 0),
    keep_failed_days integer CHECK (keep_failed_days > 0),  -- failed, cancelled and compensated runs
    changed_at timestamptz NOT NULL DEFAULT highway.now(),
    changed_by text NOT NULL DEFAULT ''
);
CALL highway.protect('highway.retention_policy');
CREATE INDEX workflow_run_finished ON highway.workflow_run (tenant_id, (status = 'completed'), finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX idempotency_run ON highway.idempotency (tenant_id, workflow_run_id) WHERE workflow_run_id IS NOT NULL;

CREATE FUNCTION highway.keeps(p_tenant uuid, OUT keep_completed_days integer, OUT keep_failed_days integer)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT p.keep_completed_days, p.keep_failed_days INTO keep_completed_days, keep_failed_days
      FROM highway.retention_policy AS p WHERE p.tenant_id = p_tenant;
    IF NOT FOUND THEN
        keep_completed_days := 30; keep_failed_days := 90;
    END IF;
END
$$;

-- Deletes every row of ended runs, in every table that has a workflow_run_id: a new table cannot be forgotten. Answers under idempotency keys and
-- ticks of schedules, which tell what has fired, stay. The caller holds the runs and their tasks.
CREATE FUNCTION highway.forget_runs(p_tenant uuid, p_runs uuid[]) RETURNS integer
    LANGUAGE plpgsql AS $$
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
$$;

-- May the run be forgotten? It has ended before the time, none of its children is open, and its parent, who may still read its result, is not either.
CREATE FUNCTION highway.is_forgettable(p_run highway.workflow_run, p_completed_before timestamptz, p_failed_before timestamptz) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN p_run.finished_at < CASE p_run.status WHEN 'completed' THEN p_completed_before ELSE p_failed_before END
       AND NOT highway.is_open(p_run.status)
       AND NOT EXISTS (SELECT FROM highway.workflow_run AS c
                        WHERE c.tenant_id = p_run.tenant_id AND c.parent_run_id = p_run.workflow_run_id AND c.finished_at IS NULL)
       AND NOT EXISTS (SELECT FROM highway.workflow_run AS p
                        WHERE p.tenant_id = p_run.tenant_id AND p.workflow_run_id = p_run.parent_run_id AND p.finished_at IS NULL);

-- Forgets up to `p_quantity` runs of a tenant that its policy does not keep. Seen first, then held (whoever retries or restarts one of them holds it, and
-- that one is passed by), then looked at again: what was restarted in between is kept.
CREATE FUNCTION highway.forget_old_runs(p_tenant uuid, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql AS $$
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

-- Adds to a measure that only grows: what the services have done since the installation began.
CREATE FUNCTION highway.count_up(p_measure text, p_by double precision) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO highway.health AS h (measure, value, at) VALUES (p_measure, p_by, highway.now())
    ON CONFLICT (measure) DO UPDATE SET value = h.value + excluded.value, at = excluded.at
$$;
