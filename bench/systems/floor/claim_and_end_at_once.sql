BEGIN;
WITH due AS (SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE task AS t SET state = 1, claimed_by = :client_id FROM due WHERE t.id = due.id RETURNING t.id \gset
UPDATE task SET state = 2, result = 'null' WHERE id = :id;
COMMIT;
