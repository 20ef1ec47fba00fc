-- name: lines(tenant_id, workflow_run_id, step, after, quantity) :many
-- Log lines of one step, oldest first: `step` is a step's whole key or its task's id; NULL takes every step.
SELECT j.seq, j.at, j.kind, j.scope, j.step_key, j.data
  FROM highway.journal AS j
 WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = %(workflow_run_id)s AND j.seq > %(after)s AND j.kind = 'log'
   AND (%(step)s::text IS NULL OR j.step_key = %(step)s::text
        OR split_part(regexp_replace(j.step_key, '^.*/', ''), '[', 1) = %(step)s::text)
 ORDER BY j.seq
 LIMIT %(quantity)s;

-- name: story(tenant_id, workflow_run_id, scope, step_key, quantity) :many
-- What the journal tells of one execution of a step, oldest first.
SELECT j.seq, j.at, j.kind, j.scope, j.step_key, j.data
  FROM highway.journal AS j
 WHERE j.tenant_id = %(tenant_id)s AND j.workflow_run_id = %(workflow_run_id)s AND j.scope = %(scope)s AND j.step_key = %(step_key)s
   AND j.kind <> 'log'
 ORDER BY j.seq
 LIMIT %(quantity)s;
