-- name: decide(tenant_id, approval_id, vote, by, names, comment) :one
-- A person speaks; how the question stands then.
SELECT highway.decide_approval(%(tenant_id)s, %(approval_id)s, %(vote)s, %(by)s, %(names)s::text[], %(comment)s) AS state;

-- name: decide_by_token(tenant_id, digest, vote, comment) :one
-- Whoever holds a link speaks; how the question stands then.
SELECT highway.decide_by_token(%(tenant_id)s, %(digest)s, %(vote)s, %(comment)s) AS state;

-- name: issue_token(tenant_id, digest, approval_id, person, names) :one
-- A link for one person to a question that is not decided; no row when there is none.
INSERT INTO highway.approval_token (tenant_id, digest, approval_id, person, names)
SELECT a.tenant_id, %(digest)s, a.approval_id, %(person)s, %(names)s::text[]
  FROM highway.approval AS a
 WHERE a.tenant_id = %(tenant_id)s AND a.approval_id = %(approval_id)s AND a.state = 'pending'
RETURNING approval_id;

-- name: of_token(tenant_id, digest) :one
-- Which question a link is for.
SELECT k.approval_id FROM highway.approval_token AS k WHERE k.tenant_id = %(tenant_id)s AND k.digest = %(digest)s;

-- name: find(tenant_id, approval_id, key) :one
-- The id of a question by its id or its key; of several of one key the newest that is open, else the newest.
SELECT f.approval_id
  FROM (SELECT a.approval_id, 1 AS rank FROM highway.approval AS a
         WHERE a.tenant_id = %(tenant_id)s AND a.approval_id = %(approval_id)s
         UNION ALL
        SELECT a.approval_id, CASE a.state WHEN 'pending' THEN 2 ELSE 3 END FROM highway.approval AS a
         WHERE a.tenant_id = %(tenant_id)s AND a.key = %(key)s) AS f
 ORDER BY f.rank, f.approval_id DESC
 LIMIT 1;

-- name: newest(tenant_id, before, quantity) :many
-- A page of questions, the newest first.
SELECT a.approval_id FROM highway.ids_between(p_before => %(before)s) AS b
 CROSS JOIN LATERAL (SELECT o.approval_id FROM highway.approval AS o
                      WHERE o.tenant_id = %(tenant_id)s AND o.approval_id >= b.low AND o.approval_id < b.high
                      ORDER BY o.approval_id DESC LIMIT %(quantity)s) AS a;

-- name: newest_pending(tenant_id, before, quantity) :many
-- A page of questions that wait for somebody, the newest first.
SELECT a.approval_id FROM highway.ids_between(p_before => %(before)s) AS b
 CROSS JOIN LATERAL (SELECT o.approval_id FROM highway.approval AS o
                      WHERE o.tenant_id = %(tenant_id)s AND o.state = 'pending' AND o.approval_id >= b.low AND o.approval_id < b.high
                      ORDER BY o.approval_id DESC LIMIT %(quantity)s) AS a;

-- name: of_run(tenant_id, workflow_run_id, quantity) :many
-- The newest questions of a run.
SELECT a.approval_id FROM highway.approval AS a
 WHERE a.tenant_id = %(tenant_id)s AND a.workflow_run_id = %(workflow_run_id)s
 ORDER BY a.approval_id DESC LIMIT %(quantity)s;

-- name: read(tenant_id, approval_ids) :many
-- Questions, the newest first, with the runs that ask them and what was said.
SELECT a.approval_id, a.workflow_run_id, r.name AS workflow_name, a.scope, a.step_key, a.key, a.message, a.data, a.stages, a.stage, a.allow_self,
       a.on_expiry, a.requested_by, a.requested_at, a.expires_at, a.state, a.decided_by, a.decided_at,
       coalesce(v.votes, '[]') AS votes
  FROM highway.approval AS a
  JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
  LEFT JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object('stage', v.stage, 'person', v.person, 'vote', v.vote, 'comment', v.comment, 'at', v.at)
                        ORDER BY v.at, v.person) AS votes
         FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id AND v.approval_id = a.approval_id) AS v ON true
 WHERE a.tenant_id = %(tenant_id)s AND a.approval_id = ANY (%(approval_ids)s::uuid[])
 ORDER BY a.approval_id DESC;

-- name: why_no_say(tenant_id, approval_id, by, names) :one
-- Why somebody has no say in a question; NULL when they have.
SELECT highway.why_no_say(a, %(by)s, %(names)s::text[]) AS why
  FROM highway.approval AS a WHERE a.tenant_id = %(tenant_id)s AND a.approval_id = %(approval_id)s;

-- name: overdue(quantity) :many
-- Questions whose time has passed.
SELECT a.tenant_id, a.approval_id FROM highway.approval AS a
 WHERE a.state = 'pending' AND a.expires_at <= highway.now() ORDER BY a.expires_at LIMIT %(quantity)s;

-- name: expire(tenant_ids, approval_ids) :one
-- Ends questions whose time has passed, but for those that somebody holds; how many.
SELECT count(*) FILTER (WHERE highway.expire_approval(o.tenant_id, o.approval_id)) AS expired
  FROM unnest(%(tenant_ids)s::uuid[], %(approval_ids)s::uuid[]) AS o (tenant_id, approval_id);
