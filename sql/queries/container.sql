-- name: gone_workers(worker_ids) :many
-- Those of these workers that nobody knows any more.
SELECT g.worker_id FROM unnest(%(worker_ids)s::uuid[]) AS g (worker_id)
 WHERE NOT EXISTS (SELECT FROM highway.worker AS w WHERE w.worker_id = g.worker_id);

-- name: runs_over(tenant_ids, run_ids) :many
-- Those of these runs that are over, or do not exist.
SELECT g.run_id
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[]) AS g (tenant_id, run_id)
 WHERE NOT EXISTS (SELECT FROM highway.workflow_run AS r
                    WHERE r.tenant_id = g.tenant_id AND r.workflow_run_id = g.run_id AND highway.is_open(r.status));
