-- name: begin(tenant_id, key, request_hash, keep_seconds) :one
-- Claims a key for the caller's transaction: a row means the key is new. A concurrent holder is waited for; then there is no row.
INSERT INTO highway.idempotency AS i (tenant_id, key, request_hash, expires_at)
VALUES (%(tenant_id)s, %(key)s, %(request_hash)s, highway.now() + make_interval(secs => %(keep_seconds)s))
ON CONFLICT (tenant_id, key) DO UPDATE
   SET request_hash = excluded.request_hash, response_status = NULL, response = NULL, workflow_run_id = NULL,
       created_at = highway.now(), expires_at = excluded.expires_at
 WHERE i.expires_at < highway.now()
RETURNING key;

-- name: find(tenant_id, key) :one
-- What was answered under the key.
SELECT i.request_hash, i.response_status, i.response, i.workflow_run_id FROM highway.idempotency AS i
 WHERE i.tenant_id = %(tenant_id)s AND i.key = %(key)s;

-- name: answer(tenant_id, key, response_status, response, workflow_run_id) :exec
-- Keeps the answer, in the transaction of the effect.
UPDATE highway.idempotency SET response_status = %(response_status)s, response = %(response)s::jsonb, workflow_run_id = %(workflow_run_id)s
 WHERE tenant_id = %(tenant_id)s AND key = %(key)s;

-- name: forget(tenant_id, key) :many
-- Forgets one key that was answered; one that is being answered now is left alone.
DELETE FROM highway.idempotency AS i
 WHERE i.tenant_id = %(tenant_id)s AND i.key = %(key)s AND i.response_status IS NOT NULL
RETURNING i.key;

-- name: forget_all(tenant_id, quantity) :many
-- Forgets up to so many of the tenant's answered keys. By way of an array: each is looked up by its key.
DELETE FROM highway.idempotency AS i
 USING unnest(ARRAY(
       SELECT o.key FROM highway.idempotency AS o WHERE o.tenant_id = %(tenant_id)s AND o.response_status IS NOT NULL
        ORDER BY o.key LIMIT %(quantity)s FOR UPDATE SKIP LOCKED)) AS g (key)
 WHERE i.tenant_id = %(tenant_id)s AND i.key = g.key
RETURNING i.key;
