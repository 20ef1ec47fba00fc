-- name: admit(tenant_id, workflow_name, resource_key, run_id, scope, task_id, epoch, step_key) :one
-- May this call be made? One call at a time probes a breaker whose isolation is over.
SELECT admitted, state, seconds
  FROM highway.admit_call(%(tenant_id)s, %(workflow_name)s, %(resource_key)s, %(run_id)s, %(scope)s, %(task_id)s, %(epoch)s, %(step_key)s);

-- name: list(tenant_id, states, after_key, after_workflow, quantity) :many
-- Breakers that have ever counted a failure, by resource and workflow, behind a given one; of all states when NULL.
SELECT b.workflow_name, b.resource_key, b.state, b.consecutive_failures, b.successes, b.open_until, b.last_error, b.last_failure_at,
       b.created_at, b.changed_at, greatest(extract(epoch FROM b.open_until - highway.now()), 0)::float8 AS seconds_until_half_open
  FROM highway.breaker AS b
 WHERE b.tenant_id = %(tenant_id)s
   AND (%(states)s::text[] IS NULL OR b.state = ANY (%(states)s::text[]))
   AND (b.resource_key, b.workflow_name) > (%(after_key)s, %(after_workflow)s)
 ORDER BY b.resource_key, b.workflow_name
 LIMIT %(quantity)s;

-- name: get(tenant_id, workflow_name, resource_key) :one
-- One breaker.
SELECT b.workflow_name, b.resource_key, b.state, b.consecutive_failures, b.successes, b.open_until, b.last_error, b.last_failure_at,
       b.created_at, b.changed_at, greatest(extract(epoch FROM b.open_until - highway.now()), 0)::float8 AS seconds_until_half_open
  FROM highway.breaker AS b
 WHERE b.tenant_id = %(tenant_id)s AND b.workflow_name = %(workflow_name)s AND b.resource_key = %(resource_key)s;

-- name: reset(tenant_id, workflow_name, resource_key) :many
-- Closes one breaker, or all of the tenant when no resource is named, and forgets their failures: as if they had never failed.
DELETE FROM highway.breaker AS b
 WHERE b.tenant_id = %(tenant_id)s
   AND (%(resource_key)s::text IS NULL OR b.workflow_name = %(workflow_name)s::text AND b.resource_key = %(resource_key)s::text)
RETURNING b.workflow_name, b.resource_key, b.state;

-- name: open(tenant_id, workflow_name, resource_key, seconds, error) :one
-- Opens a breaker by hand for so long, also one that never failed. A probe that is under way decides nothing any more.
INSERT INTO highway.breaker AS b (tenant_id, workflow_name, resource_key, state, open_until, last_error)
VALUES (%(tenant_id)s, %(workflow_name)s, %(resource_key)s, 'open', highway.now() + make_interval(secs => %(seconds)s::float8), %(error)s::jsonb)
ON CONFLICT (tenant_id, workflow_name, resource_key) DO UPDATE
   SET state = 'open', open_until = excluded.open_until, successes = 0, last_error = excluded.last_error,
       probe_task_id = NULL, probe_epoch = NULL, probe_step = NULL, changed_at = highway.now()
RETURNING b.open_until;

-- name: close(tenant_id, workflow_name, resource_key) :one
-- Closes a breaker by hand and counts from nothing again; its last error stays to be read. No row: there is none.
UPDATE highway.breaker AS b
   SET state = 'closed', consecutive_failures = 0, successes = 0, open_until = NULL,
       probe_task_id = NULL, probe_epoch = NULL, probe_step = NULL, changed_at = highway.now()
 WHERE b.tenant_id = %(tenant_id)s AND b.workflow_name = %(workflow_name)s AND b.resource_key = %(resource_key)s
RETURNING b.resource_key;
