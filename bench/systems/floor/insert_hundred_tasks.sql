INSERT INTO task (id) SELECT nextval('submission') FROM generate_series(1, 100);
