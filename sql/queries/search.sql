-- name: set_attributes(tenant_id, workflow_run_id, changes) :one
-- Merges search attributes into those of a run; all of them then.
SELECT highway.set_attributes(%(tenant_id)s, %(workflow_run_id)s, %(changes)s::jsonb) AS attributes;

-- name: list_marked(tenant_id, names, values, statuses, run_names, patterns, text, created_from, created_to, before, quantity) :many replanned
-- Runs that have all of these attributes (tags are attributes named '#'), newest first; other filters as in run.list. The first attribute leads.
SELECT r.workflow_run_id, r.definition_id, r.definition_hash, r.name, r.version, r.status, r.queue, r.priority, r.trigger, r.triggered_by,
       r.tags, r.parent_run_id, r.retry_of, r.created_at, r.started_at, r.finished_at, r.cancel_requested_at, r.error
  FROM highway.run_attribute AS lead
 CROSS JOIN LATERAL (
       SELECT o.* FROM highway.workflow_run AS o
        WHERE o.tenant_id = lead.tenant_id AND o.workflow_run_id = lead.workflow_run_id
          AND (%(statuses)s::text[] IS NULL OR o.status = ANY (%(statuses)s::text[]))
          AND (%(run_names)s::text[] IS NULL OR o.name = ANY (%(run_names)s::text[]))
          AND (%(patterns)s::text[] IS NULL OR o.name LIKE ANY (%(patterns)s::text[]))
          AND (%(created_from)s::timestamptz IS NULL OR o.created_at >= %(created_from)s::timestamptz)
          AND (%(created_to)s::timestamptz IS NULL OR o.created_at < %(created_to)s::timestamptz)
          AND (%(text)s::text IS NULL OR o.name ILIKE %(text)s::text OR o.workflow_run_id::text ILIKE %(text)s::text
               OR o.triggered_by ILIKE %(text)s::text OR o.error ->> 'message' ILIKE %(text)s::text)
       OFFSET 0) AS r
 WHERE lead.tenant_id = %(tenant_id)s
   AND lead.name = (%(names)s::text[])[1] AND lead.value = (%(values)s::text[])[1]
   AND (%(before)s::uuid IS NULL OR lead.workflow_run_id < %(before)s::uuid)
   AND (%(created_from)s::timestamptz IS NULL
        OR lead.workflow_run_id >= highway.uuid7_from(%(created_from)s::timestamptz - interval '1 hour'))
   AND (%(created_to)s::timestamptz IS NULL
        OR lead.workflow_run_id < highway.uuid7_from(%(created_to)s::timestamptz + interval '1 hour'))
   AND NOT EXISTS (
       SELECT FROM unnest((%(names)s::text[])[2:], (%(values)s::text[])[2:]) AS wanted (name, value)
        WHERE NOT EXISTS (SELECT FROM highway.run_attribute AS a
                           WHERE a.tenant_id = lead.tenant_id AND a.name = wanted.name AND a.value = wanted.value
                             AND a.workflow_run_id = lead.workflow_run_id))
 ORDER BY lead.workflow_run_id DESC
 LIMIT %(quantity)s;
