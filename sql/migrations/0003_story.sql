-- What a run has done and what it waits for. A checkpoint row is also its own journal entry: nothing is written twice.
CREATE TABLE highway.checkpoint (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,                     -- key of the task: '' is the run itself
    step_key text NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    operator text NOT NULL,
    outcome text NOT NULL CHECK (outcome = ANY ('{succeeded,failed,skipped}')),
    attempt integer NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT highway.now(),
    worker_id uuid,
    reason text,
    input jsonb,
    result jsonb,
    error jsonb,
    PRIMARY KEY (tenant_id, workflow_run_id, scope, step_key)
);
CALL highway.protect('highway.checkpoint');

CREATE TABLE highway.journal (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    at timestamptz NOT NULL DEFAULT highway.now(),
    kind text NOT NULL,
    scope text NOT NULL DEFAULT '',
    step_key text NOT NULL DEFAULT '',
    data jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, workflow_run_id, seq)
);
CALL highway.protect('highway.journal');

-- Who waits for what until when. A row lives from the registration of the wait until the step's checkpoint replaces it.
CREATE TABLE highway.wait (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    step_key text NOT NULL,
    workflow_run_id uuid NOT NULL,
    kind text NOT NULL
        CHECK (kind = ANY ('{timer,event,retry,tasks,person,signal,update,slot,code,lock,room,start,approval}')),
    due_at timestamptz,                      -- the timer's time, the retry's time, or the time limit of a wait
    event_name text,                         -- of the event, signal or update that is waited for
    awaited text[],                          -- report keys of the tasks that are waited for
    needed integer,                          -- how many of them are still missing: a join is this counter
    attempt integer NOT NULL DEFAULT 0,
    error jsonb,                             -- what the last attempt failed with
    request jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, task_id, step_key),
    CHECK ((kind = ANY ('{event,signal,update}')) = (event_name IS NOT NULL)),
    CHECK ((kind = 'tasks') = (awaited IS NOT NULL AND needed IS NOT NULL)),
    CHECK (kind <> ALL ('{timer,retry}') OR due_at IS NOT NULL)
);
CREATE INDEX wait_for_event ON highway.wait (tenant_id, workflow_run_id, event_name) WHERE kind = 'event';
CALL highway.protect('highway.wait');

-- I6: an event belongs to a run, and the first emit wins.
CREATE TABLE highway.event (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    name text NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    at timestamptz NOT NULL DEFAULT highway.now(),
    emitted_by text NOT NULL DEFAULT '',
    payload jsonb,
    PRIMARY KEY (tenant_id, workflow_run_id, name),
    FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run ON DELETE CASCADE
);
CALL highway.protect('highway.event');

-- An inbox in order: every signal is kept.
CREATE TABLE highway.signal (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('highway.story_seq'),
    name text NOT NULL,
    payload jsonb,
    at timestamptz NOT NULL DEFAULT highway.now(),
    sent_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, workflow_run_id, seq),
    FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run ON DELETE CASCADE
);
CALL highway.protect('highway.signal');

CREATE TABLE highway.variable (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    value jsonb,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, workflow_run_id, scope, name)
);
CALL highway.protect('highway.variable');

-- Atomic counters of tenants, changed only in the transaction of a step's checkpoint.
CREATE TABLE highway.counter (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, name)
);
CALL highway.protect('highway.counter');

-- Mutating requests that were answered: the same key gets the same answer.
CREATE TABLE highway.idempotency (
    tenant_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash text NOT NULL,
    response_status smallint,                -- NULL until the answer is known; both commit together
    response jsonb,
    workflow_run_id uuid,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_expiry ON highway.idempotency (expires_at);
CALL highway.protect('highway.idempotency');
