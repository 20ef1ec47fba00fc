-- Claims: whose turn it is, which of its tasks, and what a task that is taken up again has done, waits for and has heard.

-- The open waits of tasks, and which of them are over.
CREATE FUNCTION highway.waits_of(p_tenants uuid[], p_tasks uuid[])
    RETURNS TABLE (tenant_id uuid, task_id uuid, step_key text, kind text, attempt integer, request jsonb, due boolean, emitted boolean, payload jsonb,
                   given jsonb, joined boolean, ticket bigint, tasks jsonb)
    LANGUAGE sql STABLE AS $$
    SELECT w.tenant_id, w.task_id, w.step_key, w.kind, w.attempt, w.request,
           coalesce(w.due_at <= highway.now(), false) AS due,
           (e.name IS NOT NULL) AS emitted, e.payload, nullif(w.given, '{"lapsed": true}') AS given,
           coalesce(w.needed <= 0, false) AS joined,
           CASE WHEN w.kind = 'lock' THEN highway.lock_granted(w.tenant_id, w.task_id, w.request ->> 'name') END AS ticket,
           CASE WHEN w.kind = 'tasks' AND (w.needed <= 0 OR w.due_at <= highway.now()) THEN (
               SELECT jsonb_object_agg(a.key, jsonb_build_object(
                          'status', coalesce(t.state, 'failed'), 'workflow_run_id', t.workflow_run_id,
                          -- At the end of a task only how its forks ended counts, and they may have given much.
                          'result', CASE WHEN w.step_key <> '@open' THEN t.result END,
                          'error', CASE WHEN t.task_id IS NULL THEN jsonb_build_object(
                              'kind', 'branch', 'type', 'UnknownTask', 'retryable', false,
                              'message', 'this task has started no such branch, activity or child') ELSE t.error END))
                 FROM unnest(w.awaited) AS a (key)
                 LEFT JOIN highway.task AS t ON t.tenant_id = w.tenant_id AND t.parent_task_id = w.task_id AND t.report_key = a.key) END AS tasks
      FROM unnest(p_tenants, p_tasks) AS g (tenant_id, task_id)
      JOIN highway.wait AS w USING (tenant_id, task_id)
      LEFT JOIN highway.event AS e ON w.kind = 'event' AND e.tenant_id = w.tenant_id AND e.workflow_run_id = w.workflow_run_id
                                  AND e.name = w.event_name
$$;

-- Everything durable about a task that is claimed anew, told with its claim, so that nobody has to ask for it: its finished steps, variables, open
-- waits, and what earlier attempts of an activity left. NULL where it is much; then it is read row by row. Volatile, as each of its queries is to
-- see what was committed until the claim had the task.
CREATE FUNCTION highway.recall(p_tenant uuid, p_run uuid, p_task uuid, p_scope text) RETURNS jsonb
    LANGUAGE plpgsql AS $$
DECLARE
    v_most constant integer := 100;  -- of each kind: a value that stands in a row is at most 256 KiB, and this one is to stay well below what a jsonb can hold
    v_steps jsonb;
    v_variables jsonb;
    v_waits jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_steps
      FROM (SELECT c.step_key, c.operator, c.outcome, c.result, c.error FROM highway.checkpoint AS c
             WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.scope = p_scope ORDER BY c.seq LIMIT v_most + 1) AS k;
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_variables
      FROM (SELECT v.name, v.value FROM highway.variable AS v
             WHERE v.tenant_id = p_tenant AND v.workflow_run_id = p_run AND v.scope = p_scope LIMIT v_most + 1) AS k;
    -- What many have given is not to be put together before somebody sees how much it is.
    IF EXISTS (SELECT FROM highway.wait AS w WHERE w.tenant_id = p_tenant AND w.task_id = p_task AND cardinality(w.awaited) > v_most) THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(jsonb_agg(k), '[]') INTO v_waits
      FROM (SELECT w.* FROM highway.waits_of(ARRAY[p_tenant], ARRAY[p_task]) AS w LIMIT v_most + 1) AS k;
    IF greatest(jsonb_array_length(v_steps), jsonb_array_length(v_variables), jsonb_array_length(v_waits)) > v_most THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('steps', v_steps, 'variables', v_variables, 'waits', v_waits,
                              'past', (SELECT jsonb_build_object('details', a.details, 'failed_attempt', a.failed_attempt)
                                         FROM highway.activity AS a WHERE a.tenant_id = p_tenant AND a.task_id = p_task));
EXCEPTION WHEN program_limit_exceeded THEN  -- what it waited for is more than one value can hold: whoever reads its rows has to say so
    RETURN NULL;
END
$$;

-- The places, tenants' queues, that have due tasks and may be served, in their turn, and how many tasks each may give: tenants take turns by weight,
-- starting at `p_from`, to which `p_credit` is left of its turn if that is not 0; behind the last comes the first again.
CREATE FUNCTION highway.places_in_turn(p_queues text[], p_quantity integer, p_from uuid, p_credit integer)
    RETURNS TABLE (queue text, tenant_id uuid, size integer)
    LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place (queue, tenant_id, n) AS (
        SELECT q.queue, coalesce((SELECT t.tenant_id FROM highway.task AS t
                                   WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id >= p_from
                                   ORDER BY t.tenant_id LIMIT 1),
                                 (SELECT t.tenant_id FROM highway.task AS t
                                   WHERE t.state = 'pending' AND t.queue = q.queue AND t.tenant_id < p_from
                                   ORDER BY t.tenant_id LIMIT 1)), 1
          FROM unnest(p_queues) AS q (queue)
        UNION ALL
        SELECT p.queue, CASE WHEN p.tenant_id >= p_from
                             THEN coalesce(o.following, (SELECT t.tenant_id FROM highway.task AS t
                                                          WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id < p_from
                                                          ORDER BY t.tenant_id LIMIT 1))
                             WHEN o.following < p_from THEN o.following END, p.n + 1
          FROM place AS p
         CROSS JOIN LATERAL (SELECT (SELECT t.tenant_id FROM highway.task AS t
                                      WHERE t.state = 'pending' AND t.queue = p.queue AND t.tenant_id > p.tenant_id
                                      ORDER BY t.tenant_id LIMIT 1) AS following OFFSET 0) AS o
         WHERE p.tenant_id IS NOT NULL  -- places where nothing may be taken now must not use up the look
           AND p.n < p_quantity + (SELECT count(*) FROM highway.tenant_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
                                + (SELECT count(*) FROM highway.queue_policy AS c WHERE c.paused_at IS NOT NULL OR c.max_running IS NOT NULL)
    )
    SELECT p.queue, p.tenant_id,
           CASE WHEN p.tenant_id = p_from AND p_credit > 0 THEN p_credit
                ELSE (coalesce(w.weight, 1) * ceil(p_quantity::numeric / sum(coalesce(w.weight, 1)) OVER ()))::int END AS size
      FROM place AS p
      LEFT JOIN LATERAL (SELECT o.weight, o.paused_at FROM highway.tenant_policy AS o WHERE o.tenant_id = p.tenant_id LIMIT 1) AS w ON true
     WHERE p.tenant_id IS NOT NULL AND w.paused_at IS NULL
       AND NOT EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.tenant_id IN (p.tenant_id, '00000000-0000-0000-0000-000000000000')
                          AND c.queue = p.queue AND c.paused_at IS NOT NULL)
     ORDER BY p.tenant_id < p_from, p.tenant_id, random();
$$;

-- Takes up to `p_quantity` due tasks, inside a tenant the earliest turn first (highway.turn_of). Statement by statement, as most of what may be in the
-- way (caps, gates) nearly never is, and a look that finds nothing ends with the first. Where tasks went to sleep at their gates in place of being
-- claimed there may be more behind them, and a last row without a task says so, with the tenant that was looked at last.
CREATE FUNCTION highway.claim_tasks(p_worker uuid, p_queues text[], p_quantity integer, p_from uuid, p_credit integer)
    RETURNS TABLE (tenant_id uuid, task_id uuid, workflow_run_id uuid, kind text, key text, path text[], queue text, attempt integer, rescues integer,
                   epoch integer, cancel_requested boolean, context jsonb, parent_task_id uuid, completion_event text, phase text, error jsonb,
                   turn_size integer, memory jsonb, definition_id uuid, definition_hash text, name text, inputs jsonb, created_at timestamptz,
                   cancel_reason text, cancel_outcome text)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_queues text[];
    v_tenants uuid[];
    v_sizes integer[];
    v_tasks uuid[];
    v_gated uuid[];  -- of the tasks, those that have gates to pass
    v_passed uuid[];
    v_last uuid;  -- the tenant of the last task that was looked at, where some went to sleep
BEGIN
    SELECT array_agg(p.queue), array_agg(p.tenant_id), array_agg(p.size) INTO v_queues, v_tenants, v_sizes
      FROM highway.places_in_turn(p_queues, p_quantity, p_from, p_credit) AS p;
    IF v_queues IS NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM highway.tenant_policy AS c WHERE c.max_running IS NOT NULL)
       OR EXISTS (SELECT FROM highway.queue_policy AS c WHERE c.max_running IS NOT NULL) THEN
        SELECT array_agg(f.queue), array_agg(f.tenant_id), array_agg(f.size) INTO v_queues, v_tenants, v_sizes
          FROM highway.fit_claim(v_queues, v_tenants, v_sizes) AS f;
    END IF;
    SELECT array_agg(c.tenant_id), array_agg(c.task_id), array_agg(c.size), array_agg(c.task_id) FILTER (WHERE c.is_gated)
      INTO v_tenants, v_tasks, v_sizes, v_gated
      FROM (SELECT due.tenant_id, due.task_id, due.is_gated, f.size
              FROM unnest(v_queues, v_tenants, v_sizes) AS f (queue, tenant_id, size)
             CROSS JOIN LATERAL (
                   SELECT t.tenant_id, t.task_id, t.gate IS NOT NULL AND NOT t.cancel_requested AS is_gated FROM highway.task AS t
                    WHERE t.state = 'pending' AND t.queue = f.queue AND t.tenant_id = f.tenant_id
                    ORDER BY highway.turn_of(t.available_at, t.priority, t.lane_seconds)
                    LIMIT f.size
                      FOR UPDATE SKIP LOCKED) AS due
             LIMIT p_quantity) AS c;
    IF v_gated IS NOT NULL THEN
        v_passed := ARRAY(SELECT highway.pass_gates(
            ARRAY(SELECT c.tenant_id FROM unnest(v_tenants, v_tasks) AS c (tenant_id, task_id) WHERE c.task_id = ANY (v_gated)), v_gated));
        IF EXISTS (SELECT FROM unnest(v_tenants, v_tasks) AS c (tenant_id, task_id) JOIN highway.task AS t USING (tenant_id, task_id)
                    WHERE c.task_id = ANY (v_gated) AND t.state = 'sleeping') THEN
            v_last := v_tenants[cardinality(v_tenants)];
        END IF;
        SELECT array_agg(c.tenant_id), array_agg(c.task_id), array_agg(c.size) INTO v_tenants, v_tasks, v_sizes
          FROM unnest(v_tenants, v_tasks, v_sizes) AS c (tenant_id, task_id, size)
         WHERE c.task_id <> ALL (v_gated) OR c.task_id = ANY (v_passed);
    END IF;
    IF v_tasks IS NULL AND v_last IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH claimed AS (
        UPDATE highway.task AS t
           SET state = 'running', attempt = t.attempt + 1, epoch = t.epoch + 1, limited = t.limited OR t.gate IS NOT NULL, gate = NULL, lane_seconds = 0,
               claimed_by = p_worker, claimed_at = highway.now(), running_steps = NULL
          FROM unnest(v_tenants, v_tasks, v_sizes) WITH ORDINALITY AS c (tenant_id, task_id, size, n)
         WHERE t.tenant_id = c.tenant_id AND t.task_id = c.task_id
        RETURNING t.*, c.size AS turn_size, c.n
    )
    SELECT c.tenant_id, c.task_id, c.workflow_run_id, c.kind, c.key, c.path, c.queue, c.attempt, c.rescues, c.epoch, c.cancel_requested,
           c.context, c.parent_task_id, c.completion_event, c.phase, c.error, c.turn_size,
           -- For many it is cheaper to read all their rows at once, afterwards.
           CASE WHEN (c.attempt > 1 OR c.kind <> 'workflow') AND c.phase = '' AND cardinality(v_tasks) <= 4
                THEN highway.recall(c.tenant_id, c.workflow_run_id, c.task_id, c.key) END,
           r.definition_id, r.definition_hash, r.name, r.inputs, r.created_at, r.cancel_reason, r.cancel_outcome
      FROM claimed AS c
      JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
     ORDER BY c.n;
    IF v_last IS NOT NULL THEN
        tenant_id := v_last;
        RETURN NEXT;
    END IF;
END
$$;
