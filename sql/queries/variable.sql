-- name: get(tenant_id, workflow_run_id, scope, name) :one
-- A variable as it is now, with its version.
SELECT v.value, v.version
  FROM highway.variable AS v
 WHERE v.tenant_id = %(tenant_id)s AND v.workflow_run_id = %(workflow_run_id)s AND v.scope = %(scope)s AND v.name = %(name)s;
