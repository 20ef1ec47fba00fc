-- People decide whether a run goes on. A step asks; its wait (kind `approval`) and the question are written by one commit. The first decision is the
-- only one, and the step's wake-up is in its transaction. A question lives as long as its wait: whatever ends the wait withdraws it.

CREATE TABLE highway.approval (
    tenant_id uuid NOT NULL,
    approval_id uuid NOT NULL DEFAULT highway.uuid7(),
    workflow_run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    scope text NOT NULL,
    step_key text NOT NULL,
    key text,                                -- how its author names it; not unique
    message text NOT NULL,
    data jsonb,                              -- what is decided about
    stages jsonb NOT NULL,                   -- one after another: [{"approvers": [names], "quorum": n}]; no names: whoever may decide at all
    stage integer NOT NULL DEFAULT 0,        -- the one that is being decided, from 0
    allow_self boolean NOT NULL DEFAULT false,
    on_expiry text NOT NULL DEFAULT 'fail' CHECK (on_expiry IN ('fail', 'approve', 'reject')),
    requested_by text[] NOT NULL DEFAULT '{}', -- whoever had a hand in starting the run
    requested_at timestamptz NOT NULL DEFAULT highway.now(),
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz,
    PRIMARY KEY (tenant_id, approval_id),
    FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run ON DELETE CASCADE,
    CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX approval_of_wait ON highway.approval (tenant_id, task_id, step_key) WHERE state = 'pending';
CREATE INDEX approval_of_run ON highway.approval (tenant_id, workflow_run_id, approval_id);
CREATE INDEX approval_pending ON highway.approval (tenant_id, approval_id) WHERE state = 'pending';
CREATE INDEX approval_by_key ON highway.approval (tenant_id, key, approval_id) WHERE key IS NOT NULL;
CREATE INDEX approval_expiry ON highway.approval (expires_at) WHERE state = 'pending';
CALL highway.protect('highway.approval');

-- Who said what. A person speaks once, so no two stages are decided by the same one.
CREATE TABLE highway.approval_vote (
    tenant_id uuid NOT NULL,
    approval_id uuid NOT NULL,
    stage integer NOT NULL,
    person text NOT NULL CHECK (person <> ''),
    vote text NOT NULL CHECK (vote IN ('approve', 'reject')),
    comment text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, approval_id, person),
    FOREIGN KEY (tenant_id, approval_id) REFERENCES highway.approval ON DELETE CASCADE
);
CALL highway.protect('highway.approval_vote');

-- A link that lets one person speak once, without signing in: only its digest is kept. It is worth nothing when its question is decided.
CREATE TABLE highway.approval_token (
    tenant_id uuid NOT NULL,
    digest text NOT NULL,
    approval_id uuid NOT NULL,
    person text NOT NULL CHECK (person <> ''),
    names text[] NOT NULL DEFAULT '{}',
    used_at timestamptz,
    PRIMARY KEY (tenant_id, digest),
    FOREIGN KEY (tenant_id, approval_id) REFERENCES highway.approval ON DELETE CASCADE
);
CREATE INDEX approval_token_of ON highway.approval_token (tenant_id, approval_id);
CALL highway.protect('highway.approval_token');

-- Who had a hand in starting a run: whoever submitted it, and whose submissions it took in while it stood under a key. A child keeps the names of the
-- first of its line, as it may outlive those above it: they can be forgotten, or go on as other runs.
ALTER TABLE highway.workflow_run ADD COLUMN started_by text[];  -- NULL: `triggered_by` alone

CREATE FUNCTION highway.started_by(p_tenant uuid, p_run uuid) RETURNS text[]
    LANGUAGE sql STABLE
    RETURN (SELECT coalesce(r.started_by, ARRAY[r.triggered_by]) FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run);

-- One more who had a hand in it.
CREATE FUNCTION highway.add_starter(p_tenant uuid, p_run uuid, p_by text) RETURNS void
    LANGUAGE sql AS $$
    UPDATE highway.workflow_run AS r SET started_by = highway.started_by(p_tenant, p_run) || p_by
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND p_by <> ALL (highway.started_by(p_tenant, p_run))
$$;

-- "approved by ann at 2026-11-28 10:14 UTC": what became of a question, for whoever comes late.
CREATE FUNCTION highway.fate_of(a highway.approval) RETURNS text
    LANGUAGE sql STABLE
    RETURN a.state || coalesce(' by ' || nullif(a.decided_by, ''), '') || to_char(a.decided_at AT TIME ZONE 'UTC', '" at "YYYY-MM-DD HH24:MI "UTC"');

-- Holds a question and the task that asks it, in lock order; how it stands now. Raises HW001.
CREATE FUNCTION highway.hold_approval(p_tenant uuid, p_approval uuid) RETURNS highway.approval
    LANGUAGE plpgsql AS $$
DECLARE
    v_asked highway.approval;
BEGIN
    PERFORM FROM highway.task AS t
      WHERE t.tenant_id = p_tenant
        AND t.task_id = (SELECT a.task_id FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval)
        FOR NO KEY UPDATE;
    SELECT * INTO v_asked FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no approval %', p_approval USING ERRCODE = 'HW001';
    END IF;
    RETURN v_asked;
END
$$;

-- The end of a question that is held: its step is told and goes on. `p_status` is what the step reads.
CREATE FUNCTION highway.close_approval(a highway.approval, p_state text, p_status text, p_by text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_votes jsonb := (SELECT coalesce(jsonb_agg(jsonb_build_object('stage', v.stage, 'by', v.person, 'vote', v.vote, 'comment', v.comment, 'at', v.at)
                                                ORDER BY v.stage, v.at, v.person), '[]')
                        FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id AND v.approval_id = a.approval_id);
BEGIN
    UPDATE highway.approval AS o SET state = p_state, decided_by = p_by, decided_at = highway.now()
     WHERE o.tenant_id = a.tenant_id AND o.approval_id = a.approval_id;
    UPDATE highway.wait AS w
       SET given = jsonb_build_object('approval_id', a.approval_id, 'status', p_status, 'approved', p_status = 'approved', 'approver', p_by,
                                      'expired', p_state = 'expired', 'timestamp', highway.now(), 'votes', v_votes)
     WHERE w.tenant_id = a.tenant_id AND w.task_id = a.task_id AND w.step_key = a.step_key AND w.kind = 'approval';
    INSERT INTO highway.journal (tenant_id, workflow_run_id, at, kind, scope, step_key, data)
    VALUES (a.tenant_id, a.workflow_run_id, highway.now(), p_state, a.scope, a.step_key, jsonb_build_object('approval_id', a.approval_id, 'by', p_by));
    PERFORM highway.wake_tasks(ARRAY[a.tenant_id], ARRAY[a.task_id]);
END
$$;

-- Why somebody has no say in a question: they are not one of those who decide its stage, or have started what asks. NULL: they have.
CREATE FUNCTION highway.why_no_say(a highway.approval, p_by text, p_names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN NOT a.allow_self AND a.requested_by && (p_names || p_by)
        THEN p_by || ' has started what asks for this approval, and cannot decide it'
        WHEN jsonb_array_length(a.stages -> a.stage -> 'approvers') > 0 AND NOT (a.stages -> a.stage -> 'approvers') ?| (p_names || p_by)
        THEN p_by || ' is not one of those who decide this now: '
             || (SELECT string_agg(n, ', ') FROM jsonb_array_elements_text(a.stages -> a.stage -> 'approvers') AS n)
    END;

-- A person speaks, under all the names that are theirs (their own is one of them). Says how the question stands then: pending (others have to agree
-- yet), approved or rejected. One rejection rejects. To say the same again changes nothing. Raises HW001; HW002 when it was decided before or has
-- expired; HW005 when this person has no say in it.
CREATE FUNCTION highway.decide_approval(p_tenant uuid, p_approval uuid, p_vote text, p_by text, p_names text[] DEFAULT '{}', p_comment text DEFAULT '')
    RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_asked highway.approval := highway.hold_approval(p_tenant, p_approval);
    v_said text := (SELECT v.vote FROM highway.approval_vote AS v WHERE v.tenant_id = p_tenant AND v.approval_id = p_approval AND v.person = p_by);
BEGIN
    IF v_said = p_vote AND v_asked.state IN ('pending', 'approved', 'rejected') THEN
        RETURN v_asked.state;
    ELSIF v_asked.state <> 'pending' THEN
        RAISE EXCEPTION 'it was already %', highway.fate_of(v_asked) USING ERRCODE = 'HW002';
    ELSIF v_asked.expires_at <= highway.now() THEN
        RAISE EXCEPTION 'it has expired at %', to_char(v_asked.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') USING ERRCODE = 'HW002';
    ELSIF v_said IS NOT NULL THEN
        RAISE EXCEPTION '% has already spoken: %', p_by, v_said USING ERRCODE = 'HW002';
    END IF;
    IF highway.why_no_say(v_asked, p_by, p_names) IS NOT NULL THEN
        RAISE EXCEPTION '%', highway.why_no_say(v_asked, p_by, p_names) USING ERRCODE = 'HW005';
    END IF;
    INSERT INTO highway.approval_vote (tenant_id, approval_id, stage, person, vote, comment, at)
    VALUES (p_tenant, p_approval, v_asked.stage, p_by, p_vote, p_comment, highway.now());
    IF p_vote = 'reject' THEN
        PERFORM highway.close_approval(v_asked, 'rejected', 'rejected', p_by);
        RETURN 'rejected';
    ELSIF (SELECT count(*) FROM highway.approval_vote AS v
            WHERE v.tenant_id = p_tenant AND v.approval_id = p_approval AND v.stage = v_asked.stage)
          < (v_asked.stages -> v_asked.stage ->> 'quorum')::integer THEN
        RETURN 'pending';
    ELSIF v_asked.stage + 1 < jsonb_array_length(v_asked.stages) THEN
        UPDATE highway.approval AS a SET stage = a.stage + 1 WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval;
        RETURN 'pending';
    END IF;
    PERFORM highway.close_approval(v_asked, 'approved', 'approved', p_by);
    RETURN 'approved';
END
$$;

-- Like `decide_approval`, by whoever holds a link. A link is used up by what it decides. Raises HW001 for an unknown one, HW002 for a used one.
CREATE FUNCTION highway.decide_by_token(p_tenant uuid, p_digest text, p_vote text, p_comment text DEFAULT '') RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    v_token highway.approval_token;
    v_state text;
BEGIN
    SELECT * INTO v_token FROM highway.approval_token AS k WHERE k.tenant_id = p_tenant AND k.digest = p_digest;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such link' USING ERRCODE = 'HW001';
    END IF;
    v_state := highway.decide_approval(p_tenant, v_token.approval_id, p_vote, v_token.person, v_token.names, p_comment);
    -- The question is held by now, so of two who use a link at once the second sees that it was used.
    UPDATE highway.approval_token AS k SET used_at = highway.now() WHERE k.tenant_id = p_tenant AND k.digest = p_digest AND k.used_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this link was used before' USING ERRCODE = 'HW002';
    END IF;
    RETURN v_state;
END
$$;

-- Ends a question whose time has passed, as it was asked to; whether it did. Passes by one that somebody holds: it is decided, or its turn comes again.
CREATE FUNCTION highway.expire_approval(p_tenant uuid, p_approval uuid) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    v_asked highway.approval;
BEGIN
    PERFORM FROM highway.task AS t
      WHERE t.tenant_id = p_tenant
        AND t.task_id = (SELECT a.task_id FROM highway.approval AS a WHERE a.tenant_id = p_tenant AND a.approval_id = p_approval)
        FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_asked := highway.hold_approval(p_tenant, p_approval);
    IF v_asked.state <> 'pending' OR v_asked.expires_at > highway.now() THEN
        RETURN false;
    END IF;
    PERFORM highway.close_approval(v_asked, 'expired', CASE v_asked.on_expiry WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'expired' END, '');
    RETURN true;
END
$$;

-- A wait that ends without an answer (its run was cancelled, killed, restarted, or the step given up) takes its question along.
CREATE FUNCTION highway.withdraw_approval() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE highway.approval AS a SET state = 'withdrawn', decided_at = highway.now()
     WHERE a.tenant_id = OLD.tenant_id AND a.task_id = OLD.task_id AND a.step_key = OLD.step_key AND a.state = 'pending';
    RETURN NULL;
END
$$;

CREATE TRIGGER withdraw_approval AFTER DELETE ON highway.wait
    FOR EACH ROW WHEN (OLD.kind = 'approval') EXECUTE FUNCTION highway.withdraw_approval();
