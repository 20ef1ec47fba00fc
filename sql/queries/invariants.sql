-- What must hold at any moment, beside the doctor's own questions. They read everything: for tests, and for people who suspect something.

-- name: foreign_rows(quantity) :many
-- I11: rows that name a run which their tenant does not have.
SELECT x.relation, x.tenant_id, x.workflow_run_id
  FROM (SELECT 'task' AS relation, t.tenant_id, t.workflow_run_id FROM highway.task AS t
         UNION SELECT 'checkpoint', k.tenant_id, k.workflow_run_id FROM highway.checkpoint AS k
         UNION SELECT 'journal', j.tenant_id, j.workflow_run_id FROM highway.journal AS j
         UNION SELECT 'wait', w.tenant_id, w.workflow_run_id FROM highway.wait AS w
         UNION SELECT 'event', e.tenant_id, e.workflow_run_id FROM highway.event AS e
         UNION SELECT 'signal', s.tenant_id, s.workflow_run_id FROM highway.signal AS s
         UNION SELECT 'variable', v.tenant_id, v.workflow_run_id FROM highway.variable AS v) AS x
 WHERE NOT EXISTS (SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = x.tenant_id AND r.workflow_run_id = x.workflow_run_id)
 LIMIT %(quantity)s;

-- name: homeless(quantity) :many
-- I4: checkpoints of a scope that no task of the run has, and tasks whose parent does not exist.
SELECT k.tenant_id, k.workflow_run_id, 'checkpoint ' || k.scope || '/' || k.step_key AS problem
  FROM highway.checkpoint AS k
 WHERE NOT EXISTS (SELECT FROM highway.task AS t
                    WHERE t.tenant_id = k.tenant_id AND t.workflow_run_id = k.workflow_run_id AND t.key = k.scope)
 UNION ALL
SELECT t.tenant_id, t.workflow_run_id, 'task ' || t.key
  FROM highway.task AS t
 WHERE t.parent_task_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM highway.task AS p WHERE p.tenant_id = t.tenant_id AND p.task_id = t.parent_task_id)
 LIMIT %(quantity)s;

-- name: other_code(quantity) :many
-- I16: runs whose definition is gone or is not the one that they started with, and open runs that use code which is gone.
SELECT r.tenant_id, r.workflow_run_id
  FROM highway.workflow_run AS r
 WHERE NOT EXISTS (SELECT FROM highway.workflow_definition AS d
                    WHERE d.tenant_id = r.tenant_id AND d.definition_id = r.definition_id AND d.definition_hash = r.definition_hash)
    OR (highway.is_open(r.status)
        AND EXISTS (SELECT FROM highway.run_code AS c
                     WHERE c.tenant_id = r.tenant_id AND c.workflow_run_id = r.workflow_run_id
                       AND NOT EXISTS (SELECT FROM highway.artifact AS a WHERE a.tenant_id = c.tenant_id AND a.sha256 = c.sha256)))
 LIMIT %(quantity)s;

-- name: answered_by_nothing(quantity) :many
-- I18: answered requests whose run does not exist, and claimed keys without an answer: effect and answer are one transaction.
SELECT i.tenant_id, i.key, i.workflow_run_id
  FROM highway.idempotency AS i
 WHERE i.response_status IS NULL
    OR (i.workflow_run_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM highway.workflow_run AS r WHERE r.tenant_id = i.tenant_id AND r.workflow_run_id = i.workflow_run_id))
 LIMIT %(quantity)s;
