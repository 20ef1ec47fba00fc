INSERT INTO task (id) VALUES (nextval('submission'));
