WITH due AS (SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED),
     claimed AS (UPDATE task AS t SET state = 1, claimed_by = :client_id FROM due WHERE t.id = due.id RETURNING t.id)
SELECT min(id) AS low, max(id) AS high FROM claimed \gset
UPDATE task SET state = 2, result = 'null' WHERE id BETWEEN :low AND :high AND state = 1 AND claimed_by = :client_id;
