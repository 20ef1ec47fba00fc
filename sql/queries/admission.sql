-- name: tenants(quantity) :many
-- Tenants with children at the door, found by jumping through the index.
WITH RECURSIVE place (tenant_id, n) AS (
    (SELECT w.tenant_id, 1 FROM highway.wait AS w WHERE w.kind = 'room' ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT s.tenant_id, p.n + 1
      FROM place AS p
     CROSS JOIN LATERAL (SELECT w.tenant_id FROM highway.wait AS w WHERE w.kind = 'room' AND w.tenant_id > p.tenant_id
                          ORDER BY w.tenant_id LIMIT 1) AS s
     WHERE p.n < %(quantity)s
)
SELECT p.tenant_id FROM place AS p;

-- name: admit(tenant_id, quantity) :one
-- Lets children of a tenant in, as many as there is room for; how many.
SELECT highway.admit_children(%(tenant_id)s, %(quantity)s) AS admitted;
