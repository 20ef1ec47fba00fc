-- name: put(tenant_ids, digests, sizes, contents) :exec
-- Stores payloads under their hashes. One that is there already is held until the commit, so that nobody collects it before it is referred to.
INSERT INTO highway.blob AS b (tenant_id, sha256, bytes, content)
SELECT g.tenant_id, g.digest, g.size, g.content
  FROM unnest(%(tenant_ids)s::uuid[], %(digests)s::text[], %(sizes)s::int[], %(contents)s::bytea[]) AS g (tenant_id, digest, size, content)
ON CONFLICT (tenant_id, sha256) DO UPDATE SET bytes = b.bytes;

-- name: refer(tenant_ids, run_ids, digests) :exec
-- Notes which run refers to which payload: as long as the run is there, the payload is.
INSERT INTO highway.blob_reference (tenant_id, workflow_run_id, sha256)
SELECT g.tenant_id, g.run_id, g.digest
  FROM unnest(%(tenant_ids)s::uuid[], %(run_ids)s::uuid[], %(digests)s::text[]) AS g (tenant_id, run_id, digest)
ON CONFLICT DO NOTHING;

-- name: get(tenant_ids, digests) :many
-- Payloads by their hashes.
SELECT b.tenant_id, b.sha256, b.content
  FROM unnest(%(tenant_ids)s::uuid[], %(digests)s::text[]) AS g (tenant_id, digest)
  JOIN highway.blob AS b ON b.tenant_id = g.tenant_id AND b.sha256 = g.digest;

-- name: of_run(tenant_id, workflow_run_id, digest) :one
-- A payload that this run refers to.
SELECT b.content
  FROM highway.blob_reference AS f
  JOIN highway.blob AS b ON b.tenant_id = f.tenant_id AND b.sha256 = f.sha256
 WHERE f.tenant_id = %(tenant_id)s AND f.workflow_run_id = %(workflow_run_id)s AND f.sha256 = %(digest)s;
