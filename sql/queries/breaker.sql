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
