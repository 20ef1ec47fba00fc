-- What follows a run wherever it goes: the limits of its submission, and what its variables were at each of its steps.

-- The limits that the submission gave beside those of the definition: a retry, a restart, a fork and the next run of a chain keep them.
ALTER TABLE highway.workflow_run ADD COLUMN limits jsonb;

-- The variables that a step has set, with its checkpoint; NULL for all those that set none. A fork finds here what they were at its step.
ALTER TABLE highway.checkpoint ADD COLUMN variables jsonb;

-- The partition that a run was submitted for; '' for none.
CREATE FUNCTION highway.partition_of(p_tenant uuid, p_run uuid) RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT t.partition_key FROM highway.task AS t WHERE t.tenant_id = p_tenant AND t.task_id = p_run), '');
