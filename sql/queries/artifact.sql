-- name: store(tenant_id, sha256, content, by) :one
-- Stores an artifact; whether it is new.
SELECT highway.store_artifact(%(tenant_id)s, %(sha256)s, %(content)s, %(by)s) AS is_new;

-- name: list(tenant_id, after, quantity) :many
-- Artifacts without their content, by their hashes, behind one of them.
SELECT a.sha256, a.bytes, a.created_at, a.created_by
  FROM highway.artifact AS a
 WHERE a.tenant_id = %(tenant_id)s AND a.sha256 > %(after)s
 ORDER BY a.sha256
 LIMIT %(quantity)s;

-- name: get(tenant_id, sha256) :one
-- One artifact with its content.
SELECT a.sha256, a.content FROM highway.artifact AS a WHERE a.tenant_id = %(tenant_id)s AND a.sha256 = %(sha256)s;

-- name: exists(tenant_id, sha256) :one
-- Whether there is such an artifact.
SELECT EXISTS (SELECT FROM highway.artifact AS a WHERE a.tenant_id = %(tenant_id)s AND a.sha256 = %(sha256)s) AS is_there;

-- name: delete(tenant_id, sha256) :exec
-- Deletes an artifact that nothing needs; HW001, HW002.
SELECT highway.delete_artifact(%(tenant_id)s, %(sha256)s);

-- name: store_module(tenant_id, name, sha256, by) :one
-- Makes an artifact the newest version of a module; its version.
SELECT highway.store_module(%(tenant_id)s, %(name)s, %(sha256)s, %(by)s) AS version;

-- name: list_modules(tenant_id, name, after_name, after_version, quantity) :many replanned
-- Versions of one module or of all, by name and version, behind one of them.
SELECT m.name, m.version, m.sha256, m.created_at, m.created_by
  FROM highway.code_module AS m
 WHERE m.tenant_id = %(tenant_id)s AND (%(name)s::text IS NULL OR m.name = %(name)s::text)
   AND (m.name, m.version) > (%(after_name)s, %(after_version)s)
 ORDER BY m.name, m.version
 LIMIT %(quantity)s;

-- name: delete_module(tenant_id, name) :many
-- Forgets a module, every version; its code stays as artifacts.
DELETE FROM highway.code_module AS m WHERE m.tenant_id = %(tenant_id)s AND m.name = %(name)s RETURNING m.version;

-- name: of_run(tenant_id, workflow_run_id, artifact, module, version) :one
-- The code that a run means, chosen and noted when it first asks.
SELECT c.sha256, c.version, c.content
  FROM highway.code_of_run(%(tenant_id)s, %(workflow_run_id)s, %(artifact)s, %(module)s, %(version)s) AS c;

-- name: used_by_run(tenant_id, workflow_run_id) :many
-- Which code a run has used.
SELECT c.reference, c.sha256, c.version, c.chosen_at
  FROM highway.run_code AS c
 WHERE c.tenant_id = %(tenant_id)s AND c.workflow_run_id = %(workflow_run_id)s
 ORDER BY c.chosen_at, c.reference;
