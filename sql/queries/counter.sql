-- name: add(tenant_id, name, delta) :one
-- Adds to a counter in the caller's transaction.
INSERT INTO highway.counter AS c (tenant_id, name, value) VALUES (%(tenant_id)s, %(name)s, %(delta)s)
ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + excluded.value
RETURNING c.value;

-- name: get(tenant_id, name) :one
-- The counter's value, 0 when it was never counted.
SELECT coalesce((SELECT c.value FROM highway.counter AS c WHERE c.tenant_id = %(tenant_id)s AND c.name = %(name)s), 0) AS value;

-- name: put(tenant_id, name, value) :one
-- Sets a counter and returns what it was before.
WITH before AS (
    SELECT coalesce((SELECT c.value FROM highway.counter AS c WHERE c.tenant_id = %(tenant_id)s AND c.name = %(name)s), 0) AS value
), written AS (
    INSERT INTO highway.counter (tenant_id, name, value) VALUES (%(tenant_id)s, %(name)s, %(value)s)
    ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value
    RETURNING value
)
SELECT before.value FROM before, written;
