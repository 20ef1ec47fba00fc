-- name: request_update(tenant_id, workflow_run_id, name, payload, by) :one
-- Puts a request with a reply into a run's inbox.
SELECT highway.request_update(highway.speak_for(%(tenant_id)s), %(workflow_run_id)s, %(name)s, %(payload)s::jsonb, %(by)s) AS update_id;

-- name: get_update(tenant_id, update_id) :one
-- A request and what became of it; when its run has ended without an answer, it has failed.
SELECT u.update_id, u.workflow_run_id, u.seq, u.name, u.payload, u.requested_by, u.requested_at, u.taken_by, u.taken_at, u.result,
       CASE WHEN u.answered_at IS NULL AND r.finished_at IS NOT NULL THEN 'failed' ELSE u.state END AS state,
       CASE WHEN u.answered_at IS NULL AND r.finished_at IS NOT NULL
            THEN jsonb_build_object('kind', 'update', 'type', 'RunEnded', 'message', 'the run has ended without an answer')
            ELSE u.error END AS error,
       coalesce(u.answered_at, r.finished_at) AS answered_at
  FROM highway.update_request AS u
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 WHERE u.tenant_id = %(tenant_id)s AND u.update_id = %(update_id)s;

-- name: list_updates(tenant_id, workflow_run_id, quantity) :many
-- A run's requests, the newest first.
SELECT u.update_id, u.workflow_run_id, u.seq, u.name, u.payload, u.requested_by, u.requested_at, u.taken_by, u.taken_at, u.result,
       CASE WHEN u.answered_at IS NULL AND r.finished_at IS NOT NULL THEN 'failed' ELSE u.state END AS state, u.error,
       coalesce(u.answered_at, r.finished_at) AS answered_at
  FROM highway.update_request AS u
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
 WHERE u.tenant_id = %(tenant_id)s AND u.workflow_run_id = %(workflow_run_id)s
 ORDER BY u.seq DESC
 LIMIT %(quantity)s;

-- name: list_undo(tenant_id, workflow_run_id) :many
-- What a run has to undo, the last thing done first, and what became of it.
SELECT c.scope, c.step_key, c.seq, c.call, c.registered_at, k.outcome, k.finished_at AS undone_at, k.error
  FROM highway.compensation AS c
  LEFT JOIN highway.checkpoint AS k ON k.tenant_id = c.tenant_id AND k.workflow_run_id = c.workflow_run_id AND k.scope = ''
                                   AND k.step_key = concat_ws('/', nullif(c.scope, ''), c.step_key) || '@undo'
 WHERE c.tenant_id = %(tenant_id)s AND c.workflow_run_id = %(workflow_run_id)s
 ORDER BY c.seq DESC;
