-- Which part of the story is settled, why a run waits in one answer, and upkeep of what nobody needs any more.

-- THE STORY'S NUMBERS are drawn before their transaction commits, so an entry may appear behind one with a greater number. Up to the mark
-- `settled` none will appear any more: whoever comes back to the mark misses nothing. Writers know nothing of it and wait for nobody.

-- A number of the story. The transaction gets its own number before it draws one: highway.settle_story counts on that order.
CREATE FUNCTION highway.next_story() RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('highway.story_seq') END;
ALTER TABLE highway.checkpoint ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.journal ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.event ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.signal ALTER COLUMN seq SET DEFAULT highway.next_story();
GRANT SELECT ON SEQUENCE highway.story_seq TO app_worker;

-- One row. `drawn` numbers had been drawn by transactions older than `older_than`; they are settled as soon as all of those have ended.
CREATE TABLE highway.story_mark (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    settled bigint NOT NULL DEFAULT 0,
    drawn bigint NOT NULL DEFAULT 0,
    older_than xid8 NOT NULL DEFAULT '0',
    at timestamptz NOT NULL DEFAULT highway.now()
) WITH (fillfactor = 50);
INSERT INTO highway.story_mark DEFAULT VALUES;
GRANT SELECT ON highway.story_mark TO app_web;
GRANT SELECT, UPDATE ON highway.story_mark TO app_worker;

-- Moves the mark. Has to be the first thing that its transaction writes. Returns the mark.
CREATE FUNCTION highway.settle_story() RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    v_mark highway.story_mark;
    v_drawn bigint;
    v_own xid8;
    v_oldest xid8;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'the story is settled in a transaction of its own' USING ERRCODE = 'HW002';
    END IF;
    -- 1. What has been drawn, by transactions that had their numbers by then.
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO v_drawn FROM highway.story_seq AS s;
    SELECT * INTO v_mark FROM highway.story_mark;
    IF v_mark.settled >= v_drawn THEN
        RETURN v_mark.settled;
    END IF;
    -- 2. A number of our own: greater than all of theirs. One at a time; who comes second has nothing to add.
    SELECT * INTO v_mark FROM highway.story_mark FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0::bigint;
    END IF;
    v_own := pg_current_xact_id();
    -- 3. Everything below this one has ended, and is seen by whoever looks after us.
    SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO v_oldest;
    IF v_oldest < v_mark.older_than THEN
        RETURN v_mark.settled;
    END IF;
    UPDATE highway.story_mark AS m
       SET settled = greatest(m.settled, CASE WHEN v_oldest >= v_own THEN v_drawn ELSE m.drawn END),
           drawn = v_drawn, older_than = v_own, at = highway.now()
    RETURNING m.settled INTO v_mark.settled;
    RETURN v_mark.settled;
END
$$;

-- WHY IS IT NOT GOING ON? One answer for every open run, the most telling cause first; nothing for a run that has ended, and for a task that a living
-- worker executes. `words` are for people, `code` and `data` for programs; `until` is when it changes by itself.

-- What keeps one task from being claimed, or from waking: pauses, caps, a missing worker, those before it, its time. NULL: only what its steps wait for.
CREATE FUNCTION highway.why_not_claimed(t highway.task, OUT code text, OUT words text, OUT until timestamptz, OUT data jsonb)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_all CONSTANT uuid := '00000000-0000-0000-0000-000000000000'::uuid;
    v_tenant highway.tenant_policy;
    v_queue highway.queue_policy;
    v_figure bigint;
    v_gate jsonb := t.gate -> 0;
    v_last jsonb;
BEGIN
    IF t.state = 'running' THEN
        IF NOT EXISTS (SELECT FROM highway.worker AS w WHERE w.worker_id = t.claimed_by) THEN
            code := 'worker_gone'; words := 'its worker is gone; another one takes it over in a moment';
        ELSIF t.cancel_requested THEN
            SELECT 'stopping', format('asked to stop; worker %s is ending the step under way', w.name), jsonb_build_object('worker', w.name)
              INTO code, words, data FROM highway.worker AS w WHERE w.worker_id = t.claimed_by;
        END IF;
        RETURN;
    ELSIF t.state = 'sleeping' THEN
        IF v_gate ->> 'kind' = 'rate' AND (v_gate -> 'in_line')::boolean THEN
            code := 'rate'; until := t.available_at; data := jsonb_build_object('limit', v_gate ->> 'key');
            words := format('''%s'' allows %s starts in %s s; the next one is its own', v_gate ->> 'key', v_gate ->> 'limit',
                            (v_gate ->> 'per_seconds')::float8);
        ELSIF t.attempt = 0 AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = t.tenant_id AND s.task_id = t.task_id)
              AND NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id AND w.kind = 'room') THEN
            code := 'delayed'; words := 'its start is delayed'; until := t.available_at;
        ELSIF NOT EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = t.tenant_id AND w.task_id = t.task_id)
              AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = t.tenant_id AND s.task_id = t.task_id AND s.granted_at IS NULL) THEN
            code := 'deferred'; words := 'it was put back and is tried again in a moment'; until := t.available_at;
            SELECT j.data INTO v_last
              FROM (SELECT * FROM highway.journal AS o WHERE o.tenant_id = t.tenant_id AND o.workflow_run_id = t.workflow_run_id
                     ORDER BY o.seq DESC LIMIT 100) AS j
             WHERE j.kind = 'deferred' AND j.scope = t.key ORDER BY j.seq DESC LIMIT 1;
            IF t.rescues > 0 THEN
                words := format('its worker died %s times in a row; it is tried again after a pause', t.rescues);
                data := jsonb_build_object('rescues', t.rescues);
            ELSIF FOUND THEN
                data := v_last;
                words := format('worker %s does not have the tool ''%s''; it was put back for one that has it', v_last ->> 'worker', v_last ->> 'tool');
            END IF;
        END IF;
        RETURN;
    ELSIF t.state <> 'pending' THEN
        RETURN;
    END IF;
    SELECT * INTO v_tenant FROM highway.tenant_policy AS p WHERE p.tenant_id = t.tenant_id;
    IF v_tenant.paused_at IS NOT NULL THEN
        code := 'tenant_paused'; words := 'the tenant was paused' || highway.said_by(v_tenant.paused_by, v_tenant.pause_reason);
        data := jsonb_build_object('by', v_tenant.paused_by, 'reason', v_tenant.pause_reason);
        RETURN;
    END IF;
    SELECT * INTO v_queue FROM highway.queue_policy AS p
     WHERE p.tenant_id IN (t.tenant_id, c_all) AND p.queue = t.queue AND p.paused_at IS NOT NULL ORDER BY p.paused_at LIMIT 1;
    IF FOUND THEN
        code := 'queue_paused'; words := format('the queue ''%s'' was paused', t.queue) || highway.said_by(v_queue.paused_by, v_queue.pause_reason);
        data := jsonb_build_object('queue', t.queue, 'by', v_queue.paused_by, 'reason', v_queue.pause_reason);
        RETURN;
    END IF;
    IF v_tenant.max_running IS NOT NULL AND NOT v_tenant.exempt THEN
        v_figure := (SELECT count(*) FROM highway.task AS b WHERE b.state = 'running' AND b.tenant_id = t.tenant_id);
        IF v_figure >= v_tenant.max_running THEN
            code := 'tenant_full'; data := jsonb_build_object('limit', v_tenant.max_running);
            words := format('%s tasks of the tenant are running, and %s is the cap', v_figure, v_tenant.max_running);
            RETURN;
        END IF;
    END IF;
    FOR v_queue IN SELECT * FROM highway.queue_policy AS p
                    WHERE p.tenant_id IN (t.tenant_id, c_all) AND p.queue = t.queue AND p.max_running IS NOT NULL ORDER BY p.max_running
    LOOP
        v_figure := (SELECT count(*) FROM highway.task AS b
                      WHERE b.state = 'running' AND b.queue = t.queue AND v_queue.tenant_id IN (b.tenant_id, c_all));
        IF v_figure >= v_queue.max_running THEN
            code := 'queue_full'; data := jsonb_build_object('queue', t.queue, 'limit', v_queue.max_running);
            words := format('%s tasks of the queue ''%s'' are running, and %s is the cap', v_figure, t.queue, v_queue.max_running);
            RETURN;
        END IF;
    END LOOP;
    data := jsonb_build_object('queue', t.queue);
    SELECT CASE WHEN count(*) = 0 THEN format('no live worker serves the queue ''%s''', t.queue)
                WHEN NOT bool_or(w.requested_state = 'active' AND NOT w.draining)
                THEN format('every worker of the queue ''%s'' is paused or draining', t.queue) END
      INTO words FROM highway.worker AS w WHERE w.lease_expires_at > highway.now() AND t.queue = ANY (w.queues);
    IF words IS NOT NULL THEN
        code := 'no_worker';
        RETURN;
    END IF;
    v_figure := (SELECT count(*) FROM (
        SELECT FROM highway.task AS o
         WHERE o.state = 'pending' AND o.queue = t.queue AND o.tenant_id = t.tenant_id
           AND highway.turn_of(o.available_at, o.priority, o.lane_seconds) < highway.turn_of(t.available_at, t.priority, t.lane_seconds)
         LIMIT 1000) AS ahead);
    code := 'queued'; data := data || jsonb_build_object('ahead', v_figure);
    words := CASE v_figure WHEN 0 THEN format('queued in ''%s'': it is the next of its tenant', t.queue)
                           WHEN 1000 THEN format('queued in ''%s'' behind a thousand others of its tenant, or more', t.queue)
                           ELSE format('queued in ''%s'' behind %s of its tenant', t.queue, v_figure) END;
END
$$;

-- " by ann: spring cleaning", as far as it was said.
CREATE FUNCTION highway.said_by(p_by text, p_reason text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce(' by ' || nullif(p_by, ''), '') || coalesce(': ' || nullif(p_reason, ''), '');

-- What a step waits for. NULL: what others tell better (its lock, its slot, its admission).
CREATE FUNCTION highway.why_step_waits(w highway.wait, OUT code text, OUT words text, OUT data jsonb)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_error text := coalesce(w.error ->> 'message', 'unknown error');
BEGIN
    code := w.kind;
    data := CASE WHEN w.event_name IS NOT NULL THEN jsonb_build_object('name', w.event_name)
                 WHEN w.kind IN ('retry', 'person') THEN jsonb_build_object('attempt', w.attempt)
                 WHEN w.kind = 'tasks' THEN jsonb_build_object('needed', w.needed, 'of', cardinality(w.awaited)) ELSE '{}' END;
    CASE
    WHEN w.kind = 'timer' THEN words := 'sleeping';
    WHEN w.kind = 'event' THEN words := format('waiting for the event ''%s''', w.event_name);
    WHEN w.kind = 'signal' THEN words := format('waiting for a signal ''%s''', w.event_name);
    WHEN w.kind = 'update' THEN words := format('waiting for an update ''%s''', w.event_name);
    WHEN w.kind = 'tasks' THEN words := format('waiting for %s of %s branches or children', w.needed, cardinality(w.awaited));
    WHEN w.kind = 'retry' AND w.error ->> 'kind' = 'circuit_open' THEN
        code := 'breaker'; words := format('the call of attempt %s was not made (%s); the next attempt follows', w.attempt, v_error);
    WHEN w.kind = 'retry' THEN words := format('attempt %s failed (%s); the next one follows', w.attempt, v_error);
    WHEN w.kind = 'person' AND w.request ->> 'kind' = 'exhausted' THEN
        words := format('waiting for a person: attempt %s failed (%s) and no more are left', w.attempt, v_error);
    WHEN w.kind = 'person' THEN words := 'waiting for a person';
    WHEN w.kind = 'approval' THEN
        SELECT jsonb_build_object('approval_id', a.approval_id, 'expires_at', a.expires_at, 'message', a.message, 'stage', a.stage + 1,
                                  'stages', jsonb_array_length(a.stages), 'approvers', a.stages -> a.stage -> 'approvers',
                                  'quorum', a.stages -> a.stage -> 'quorum',
                                  'agreed', (SELECT count(*) FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id
                                                AND v.approval_id = a.approval_id AND v.stage = a.stage))
          INTO data
          FROM highway.approval AS a
         WHERE a.tenant_id = w.tenant_id AND a.task_id = w.task_id AND a.step_key = w.step_key AND a.state = 'pending';
        words := format('needs approval: %s (%s of %s', data ->> 'message', data -> 'agreed', data -> 'quorum')
                 || CASE WHEN data -> 'approvers' <> '[]' THEN ' of ' || (SELECT string_agg(n, ', ') FROM jsonb_array_elements_text(data -> 'approvers') AS n)
                         ELSE '' END
                 || CASE WHEN (data ->> 'stages')::integer > 1 THEN format(', stage %s of %s', data -> 'stage', data -> 'stages') ELSE '' END || ')';
    WHEN w.kind = 'slot' AND w.due_at IS NOT NULL THEN
        code := 'rate'; data := jsonb_build_object('limit', w.request ->> 'key');
        words := format('more starts of ''%s'' than its rate allows; the next is its own', w.request ->> 'key');
    WHEN w.kind IN ('slot', 'lock', 'room', 'start') THEN code := NULL;
    ELSE words := format('waiting (%s)', w.kind);
    END CASE;
END
$$;

CREATE FUNCTION highway.why_waiting(p_tenant uuid, p_run uuid)
    RETURNS TABLE (code text, words text, scope text, step_key text, until timestamptz, data jsonb)
    LANGUAGE sql STABLE AS $$
    WITH run AS (
        SELECT r.* FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run AND r.finished_at IS NULL
    ), open_task AS MATERIALIZED (
        SELECT t AS row, t.key, t.task_id, t.tenant_id FROM run AS r JOIN highway.task AS t USING (tenant_id, workflow_run_id)
         WHERE highway.is_open(t.state)
    ), reason AS (
        SELECT 1 AS rank, 0::bigint AS n, 'paused' AS code,
               CASE r.status WHEN 'paused' THEN 'paused' ELSE 'asked to pause' END
               || highway.said_by(coalesce(nullif(r.paused_by, ''), 'somebody'), r.pause_reason) AS words,
               '' AS scope, '' AS step_key, NULL::timestamptz AS until, jsonb_build_object('by', r.paused_by, 'reason', r.pause_reason) AS data
          FROM run AS r WHERE r.paused_at IS NOT NULL
         UNION ALL
        SELECT CASE WHEN y.code IN ('no_worker', 'queued', 'worker_gone', 'stopping', 'delayed', 'deferred') THEN 4 ELSE 2 END,
               row_number() OVER (ORDER BY o.task_id), y.code, y.words, o.key, '', y.until, coalesce(y.data, '{}')
          FROM open_task AS o CROSS JOIN LATERAL highway.why_not_claimed(o.row) AS y
         WHERE y.code IS NOT NULL
         UNION ALL
        SELECT 2, 0, 'admission', coalesce('not let in yet: ' || highway.why_at_the_door(o.tenant_id, (o.row).queue),
                                           'there is room for it now: it comes in in a moment'),
               o.key, '', NULL, jsonb_build_object('queue', (o.row).queue)
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id AND w.kind = 'room'
         UNION ALL
        SELECT 3, s.seq, 'limit',
               format('number %s in line for one of the %s slots of ''%s''', l.position, f.capacity, s.key)
               || CASE WHEN cardinality(l.holders) > 0 THEN ', held by ' || array_to_string(l.holders[:3], ', ') ELSE '' END
               || CASE WHEN cardinality(l.holders) > 3 THEN format(' and %s more', cardinality(l.holders) - 3) ELSE '' END,
               o.key, s.step_key, NULL,
               jsonb_build_object('limit', s.key, 'capacity', f.capacity, 'position', l.position, 'holders', to_jsonb(l.holders))
          FROM open_task AS o
          JOIN highway.slot AS s ON s.tenant_id = o.tenant_id AND s.task_id = o.task_id AND s.granted_at IS NULL
          JOIN highway.flow_limit AS f ON f.tenant_id = s.tenant_id AND f.kind = 'concurrency' AND f.key = s.key
         CROSS JOIN LATERAL (
               SELECT ARRAY(SELECT DISTINCT h.workflow_run_id FROM (SELECT u.workflow_run_id FROM highway.slot AS u
                             WHERE u.tenant_id = s.tenant_id AND u.key = s.key AND u.granted_at IS NOT NULL LIMIT 20) AS h) AS holders,
                      (SELECT count(*) FROM (SELECT FROM highway.slot AS u WHERE u.tenant_id = s.tenant_id AND u.key = s.key
                                                AND u.granted_at IS NULL AND u.seq <= s.seq LIMIT 10000) AS ahead) AS position) AS l
         UNION ALL
        SELECT 5, n.ticket, 'lock',
               CASE l.ahead WHEN 0 THEN format('the lock ''%s'' has come to it; it goes on in a moment', n.name)
                    ELSE format('waiting in line for the lock ''%s'': run %s holds it', n.name, first.workflow_run_id)
                         || coalesce(to_char(first.acquired_at AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI:SS" UTC"'), '')
                         || CASE WHEN l.ahead > 1 THEN format(', %s others are before it', l.ahead - 1) ELSE '' END END,
               o.key, w.step_key, w.due_at, jsonb_build_object('lock', n.name, 'holder', first.workflow_run_id, 'ahead', l.ahead)
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id AND w.kind = 'lock'
          JOIN highway.named_lock AS n ON n.tenant_id = w.tenant_id AND n.task_id = w.task_id AND n.step_key = coalesce(w.request ->> 'ticket', w.step_key)
         CROSS JOIN LATERAL (SELECT u.workflow_run_id, u.acquired_at FROM highway.named_lock AS u
                              WHERE u.tenant_id = n.tenant_id AND u.name = n.name ORDER BY u.ticket LIMIT 1) AS first
         CROSS JOIN LATERAL (SELECT count(*) AS ahead FROM (SELECT FROM highway.named_lock AS u
                              WHERE u.tenant_id = n.tenant_id AND u.name = n.name AND u.ticket < n.ticket LIMIT 10000) AS before) AS l
         UNION ALL
        SELECT CASE w.kind WHEN 'slot' THEN 5 WHEN 'tasks' THEN 7 ELSE 6 END,
               row_number() OVER (ORDER BY w.created_at, w.step_key), y.code, y.words, o.key, w.step_key,
               coalesce(w.due_at, (y.data ->> 'expires_at')::timestamptz), coalesce(y.data, '{}')
          FROM open_task AS o
          JOIN highway.wait AS w ON w.tenant_id = o.tenant_id AND w.task_id = o.task_id
         CROSS JOIN LATERAL highway.why_step_waits(w) AS y
         WHERE y.code IS NOT NULL
    )
    SELECT r.code, r.words, r.scope, r.step_key, r.until, r.data FROM reason AS r ORDER BY r.rank, r.n
$$;

-- UPKEEP OF WHAT NOBODY NEEDS ANY MORE.

-- Ticks up to here may have been forgotten, so none of that time is fired again: a backfill of it is refused.
ALTER TABLE highway.schedule ADD COLUMN forgotten_to timestamptz;

-- Forgets ticks of one schedule: those that are older than the tenant keeps any run and whose run is gone, and all behind the newest `p_most`.
-- A tick that waits for its turn stays. A deleted schedule goes with its last tick. Returns how many ticks are gone; whoever holds the schedule
-- (a tick that fires, a backfill) keeps it from that.
CREATE FUNCTION highway.forget_ticks(p_tenant uuid, p_schedule uuid, p_most integer, p_quantity integer) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_kept_from timestamptz;
    v_most_from timestamptz;
    v_gone integer;
    v_to timestamptz;
BEGIN
    PERFORM FROM highway.schedule AS s
      WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT CASE WHEN k.keep_completed_days IS NOT NULL AND k.keep_failed_days IS NOT NULL
                THEN highway.now() - make_interval(days => greatest(k.keep_completed_days, k.keep_failed_days)) END
      INTO v_kept_from FROM highway.keeps(p_tenant) AS k;
    v_most_from := (SELECT t.tick_at FROM highway.schedule_tick AS t
                     WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule ORDER BY t.tick_at DESC OFFSET p_most LIMIT 1);
    WITH old AS (
        SELECT t.tick_at FROM highway.schedule_tick AS t
         WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule AND t.outcome <> 'waiting'
           AND t.tick_at <= greatest(v_kept_from, v_most_from)
           AND (t.tick_at <= v_most_from OR NOT EXISTS (
                SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = t.tenant_id AND r.workflow_run_id = t.workflow_run_id))
         ORDER BY t.tick_at LIMIT p_quantity
    ), gone AS (
        DELETE FROM highway.schedule_tick AS t USING old AS o
         WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule AND t.tick_at = o.tick_at
        RETURNING t.tick_at
    )
    SELECT count(*)::integer, max(g.tick_at) INTO v_gone, v_to FROM gone AS g;
    IF v_gone > 0 THEN
        UPDATE highway.schedule AS s SET forgotten_to = greatest(s.forgotten_to, v_to)
         WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule;
    END IF;
    DELETE FROM highway.schedule AS s
     WHERE s.tenant_id = p_tenant AND s.schedule_id = p_schedule AND s.state = 'deleted' AND s.updated_at < v_kept_from
       AND NOT EXISTS (SELECT FROM highway.schedule_tick AS t WHERE t.tenant_id = p_tenant AND t.schedule_id = p_schedule);
    RETURN v_gone;
END
$$;

-- Nobody holds a slot of it or stands in its line, its places in time are over, and no person has set it: its next use makes it again as its
-- definition says.
CREATE FUNCTION highway.is_unused(l highway.flow_limit, p_idle interval) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN NOT l.pinned AND l.created_at < highway.now() - p_idle
       AND CASE l.kind WHEN 'rate' THEN greatest(l.next_start, l.starts[cardinality(l.starts)] + make_interval(secs => l.per_seconds)) IS NULL
                                     OR greatest(l.next_start, l.starts[cardinality(l.starts)] + make_interval(secs => l.per_seconds)) < highway.now() - p_idle
                       -- As its two indexes have it. OFFSET 0: one look into each.
                       ELSE NOT EXISTS (SELECT FROM highway.slot AS s
                                         WHERE s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NOT NULL OFFSET 0)
                        AND NOT EXISTS (SELECT FROM highway.slot AS s
                                         WHERE s.tenant_id = l.tenant_id AND s.key = l.key AND s.granted_at IS NULL OFFSET 0) END;

-- Looks at so many limits behind a key, in order, and forgets the unused ones. Returns the last key that was looked at (none: it is the end) and
-- how many are gone. Who is about to take a slot holds the limit, and it is passed by; who comes while it goes makes it anew.
CREATE FUNCTION highway.forget_limits(
    p_after_tenant uuid, p_after_kind text, p_after_key text, p_idle_seconds double precision, p_quantity integer)
    RETURNS TABLE (tenant_id uuid, kind text, key text, gone integer)
    LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    v_idle interval := make_interval(secs => p_idle_seconds);
    v_tenants uuid[];
    v_kinds text[];
    v_keys text[];
    v_held_tenants uuid[];
    v_held_kinds text[];
    v_held_keys text[];
    v_gone integer;
BEGIN
    SELECT array_agg(o.tenant_id), array_agg(o.kind), array_agg(o.key) INTO v_tenants, v_kinds, v_keys
      FROM (SELECT l.tenant_id, l.kind, l.key FROM highway.flow_limit AS l
             WHERE (l.tenant_id, l.kind, l.key) > (p_after_tenant, p_after_kind, p_after_key)
             ORDER BY l.tenant_id, l.kind, l.key LIMIT p_quantity) AS o;
    SELECT array_agg(u.tenant_id), array_agg(u.kind), array_agg(u.key) INTO v_held_tenants, v_held_kinds, v_held_keys
      FROM (SELECT l.tenant_id, l.kind, l.key FROM unnest(v_tenants, v_kinds, v_keys) AS g (tenant_id, kind, key)
              JOIN highway.flow_limit AS l USING (tenant_id, kind, key)
             WHERE highway.is_unused(l, v_idle)
               FOR UPDATE OF l SKIP LOCKED) AS u;
    -- A statement of its own: it sees slots that were taken before the locks came.
    DELETE FROM highway.flow_limit AS l USING unnest(v_held_tenants, v_held_kinds, v_held_keys) AS h (tenant_id, kind, key)
     WHERE l.tenant_id = h.tenant_id AND l.kind = h.kind AND l.key = h.key AND highway.is_unused(l, v_idle);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    IF v_tenants IS NOT NULL THEN
        RETURN QUERY SELECT v_tenants[cardinality(v_tenants)], v_kinds[cardinality(v_kinds)], v_keys[cardinality(v_keys)], v_gone;
    END IF;
END
$$;

-- Runs are about to be forgotten: their children, which have ended, stay as runs of their own, and nothing of them names what is gone. The caller
-- holds the runs; who holds a child now keeps them for another time (SQLSTATE 55P03).
CREATE FUNCTION highway.let_children_go(p_tenant uuid, p_runs uuid[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_children uuid[] := ARRAY(
        SELECT r.workflow_run_id FROM highway.workflow_run AS r
         WHERE r.tenant_id = p_tenant AND r.parent_run_id = ANY (p_runs) AND NOT r.workflow_run_id = ANY (p_runs));
BEGIN
    IF cardinality(v_children) = 0 THEN
        RETURN;
    END IF;
    PERFORM FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_children) ORDER BY t.task_id FOR NO KEY UPDATE NOWAIT;
    UPDATE highway.task AS t SET parent_task_id = NULL, report_key = NULL WHERE t.tenant_id = p_tenant AND t.task_id = ANY (v_children);
    UPDATE highway.workflow_run AS r SET parent_run_id = NULL, parent_key = NULL
     WHERE r.tenant_id = p_tenant AND r.workflow_run_id = ANY (v_children);
END
$$;
