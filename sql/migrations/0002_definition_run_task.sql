-- A definition is immutable and addressed by its content; name and version are labels on it.
CREATE TABLE highway.workflow_definition (
    tenant_id uuid NOT NULL,
    definition_id uuid NOT NULL,
    definition_hash text NOT NULL CHECK (definition_hash ~ '^[0-9a-f]{64}$'),
    name text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    definition jsonb NOT NULL,
    -- What each submission asks for stands beside the definition: that may be large, and each look into it unpacks all of it.
    deadline_seconds double precision GENERATED ALWAYS AS (
        coalesce((definition ->> 'deadline_seconds')::float8, (definition ->> 'timeout_seconds')::float8)) STORED,
    deadline_action text NOT NULL GENERATED ALWAYS AS (coalesce(definition ->> 'deadline_action', 'fail')) STORED,
    source text NOT NULL DEFAULT '',
    source_format text NOT NULL CHECK (source_format IN ('python', 'json', 'yaml')),
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, definition_id),
    UNIQUE (tenant_id, definition_hash),
    UNIQUE (tenant_id, name, version)
);
CALL highway.protect('highway.workflow_definition');

-- What the user started. `status` is derived from the root task by a trigger; nothing else sets it.
-- The words that a column may hold are one constant, here and below: every statement that writes a row reads the text of its table's constraints
-- anew, each constant by itself. With IN, which makes a constant of each word, a submission would take a twentieth longer.
CREATE TABLE highway.workflow_run (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    definition_id uuid NOT NULL,
    definition_hash text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status = ANY ('{pending,running,sleeping,paused,completed,failed,cancelled,compensated}')),
    queue text NOT NULL DEFAULT 'default',
    priority smallint NOT NULL DEFAULT 0,
    inputs jsonb NOT NULL DEFAULT '{}',
    error jsonb,
    trigger text NOT NULL DEFAULT 'api',
    triggered_by text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    attributes jsonb NOT NULL DEFAULT '{}',
    parent_run_id uuid,
    parent_key text,
    retry_of uuid,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    started_at timestamptz,
    finished_at timestamptz,
    deadline_at timestamptz,
    deadline_action text NOT NULL DEFAULT 'fail' CHECK (deadline_action = ANY ('{fail,cancel}')),
    cancel_requested_at timestamptz,
    cancel_reason text,
    cancel_outcome text CHECK (cancel_outcome = ANY ('{cancelled,failed}')),  -- how the run ends when it has stopped
    PRIMARY KEY (tenant_id, workflow_run_id),
    CHECK ((parent_run_id IS NULL) = (parent_key IS NULL))
) WITH (fillfactor = 80);
-- Ids are time-ordered, so the primary key serves "newest first", read backwards; these two serve the filters. All of them ascend: what is
-- added stands at the end of its group, and pages fill up.
CREATE INDEX workflow_run_status ON highway.workflow_run (tenant_id, status, workflow_run_id);
CREATE INDEX workflow_run_name ON highway.workflow_run (tenant_id, name, workflow_run_id);
CREATE UNIQUE INDEX workflow_run_child ON highway.workflow_run (tenant_id, parent_run_id, parent_key)
    WHERE parent_run_id IS NOT NULL;
CREATE INDEX workflow_run_open_child ON highway.workflow_run (tenant_id, workflow_run_id)
    WHERE parent_run_id IS NOT NULL AND finished_at IS NULL;
CREATE INDEX workflow_run_retry ON highway.workflow_run (tenant_id, retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX workflow_run_deadline ON highway.workflow_run (deadline_at)
    WHERE deadline_at IS NOT NULL AND finished_at IS NULL;
CALL highway.protect('highway.workflow_run');

-- The unit that workers claim. The root task of a run has the run's own id; branches and activities have keys of their own.
CREATE TABLE highway.task (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind = ANY ('{workflow,branch,activity}')),
    key text NOT NULL DEFAULT '',
    path text[] NOT NULL DEFAULT '{}',       -- where its program stands in the definition
    state text NOT NULL DEFAULT 'pending'
        CHECK (state = ANY ('{pending,running,sleeping,paused,completed,failed,cancelled,compensated}')),
    queue text NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    available_at timestamptz,                -- NULL while it sleeps without a time limit
    attempt integer NOT NULL DEFAULT 0,      -- how often it was claimed
    rescues integer NOT NULL DEFAULT 0,      -- how often its worker died since it last made progress
    epoch integer NOT NULL DEFAULT 0,        -- the fencing token: grows at each claim and each rescue
    claimed_by uuid,
    claimed_at timestamptz,
    cancel_requested boolean NOT NULL DEFAULT false,
    pause_requested boolean NOT NULL DEFAULT false,  -- it pauses at the next step boundary, and what it forks begins paused
    context jsonb NOT NULL DEFAULT '{}',     -- names a branch was given by its parent at the fork
    running_steps jsonb,                     -- for people: steps that have run for a while, by the worker's heartbeat
    parent_task_id uuid,                     -- who may wait for it: the forking task, or the task of the parent run
    report_key text,                         -- under which key it reports there
    completion_event text,                   -- emitted when it ends (activities)
    result jsonb,
    error jsonb,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, task_id),
    UNIQUE (tenant_id, workflow_run_id, key),
    CHECK ((kind = 'workflow') = (key = '')),
    CHECK ((state = 'running') = (claimed_by IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX task_due ON highway.task (queue, tenant_id, priority DESC, available_at) WHERE state = 'pending';
CREATE INDEX task_paused ON highway.task (tenant_id, workflow_run_id) WHERE state = 'paused';
CREATE INDEX task_asleep ON highway.task (available_at) WHERE state = 'sleeping';
CREATE INDEX task_claimed ON highway.task (claimed_by) WHERE state = 'running';
CREATE INDEX task_parent ON highway.task (tenant_id, parent_task_id, report_key) WHERE parent_task_id IS NOT NULL;
CALL highway.protect('highway.task');

-- I15: only the run's own task sets the run's status. Once for all tasks of a statement: claims and group commits change many.
CREATE FUNCTION highway.derive_run_status() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE highway.workflow_run AS r
       SET status = n.state,
           error = n.error,
           started_at = CASE WHEN n.state = 'running' THEN coalesce(r.started_at, highway.now()) ELSE r.started_at END,
           finished_at = n.finished_at,
           -- A pause ends with the run.
           paused_at = CASE WHEN n.finished_at IS NULL THEN r.paused_at END,
           paused_by = CASE WHEN n.finished_at IS NULL THEN r.paused_by END,
           pause_reason = CASE WHEN n.finished_at IS NULL THEN r.pause_reason END,
           paused_with = CASE WHEN n.finished_at IS NULL THEN r.paused_with END
      FROM changed AS n
     WHERE n.kind = 'workflow' AND r.tenant_id = n.tenant_id AND r.workflow_run_id = n.workflow_run_id AND r.status <> n.state;
    RETURN NULL;
END
$$;
CREATE TRIGGER derive_run_status AFTER UPDATE ON highway.task
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION highway.derive_run_status();

-- I8: terminal is terminal. The one door is for highway.restart_run, which names the run it lets go on in a setting of its transaction.
CREATE FUNCTION highway.refuse_leaving_terminal() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('highway.restarting', true) = OLD.workflow_run_id::text
       AND OLD.state IN ('failed', 'cancelled') AND NEW.state = 'pending' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'task % is % and cannot become %', OLD.task_id, OLD.state, NEW.state USING ERRCODE = 'HW002';
END
$$;
CREATE TRIGGER terminal_is_terminal BEFORE UPDATE OF state ON highway.task
    FOR EACH ROW WHEN (NOT highway.is_open(OLD.state) AND NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION highway.refuse_leaving_terminal();
