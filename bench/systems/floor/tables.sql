CREATE TABLE task (id bigint PRIMARY KEY, state smallint NOT NULL DEFAULT 0, claimed_by int, result jsonb) WITH (fillfactor = 70);
CREATE INDEX task_due ON task (id) WHERE state = 0;
CREATE TABLE checkpoint (task_id bigint NOT NULL, step bigint NOT NULL, result jsonb, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (task_id, step));
CREATE SEQUENCE submission;
CREATE SEQUENCE step;
