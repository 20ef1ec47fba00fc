INSERT INTO checkpoint (task_id, step, result) VALUES (:client_id, nextval('step'), 'null');
