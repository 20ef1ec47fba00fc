-- name: cached(tenant_id, model, digests) :many
-- Embeddings of texts that are known and not too old.
SELECT e.digest, e.embedding
  FROM highway.embedding AS e
 WHERE e.tenant_id = %(tenant_id)s AND e.model = %(model)s AND e.digest = ANY (%(digests)s::text[]) AND e.expires_at > highway.now();

-- name: cache(tenant_id, model, digests, embeddings, keep_seconds) :exec
-- Keeps embeddings of texts for a time from now on.
INSERT INTO highway.embedding (tenant_id, model, digest, embedding, expires_at)
SELECT %(tenant_id)s, %(model)s, n.digest, n.embedding::real[], highway.now() + make_interval(secs => %(keep_seconds)s)
  FROM unnest(%(digests)s::text[], %(embeddings)s::text[]) AS n (digest, embedding)
 ORDER BY n.digest
ON CONFLICT (tenant_id, model, digest) DO UPDATE SET embedding = excluded.embedding, expires_at = excluded.expires_at;

-- name: forget_embeddings(quantity) :one
-- Forgets embeddings whose time is over, passing by what somebody holds; how many.
WITH old AS (
    SELECT e.tenant_id, e.model, e.digest FROM highway.embedding AS e
     WHERE e.expires_at <= highway.now() ORDER BY e.expires_at LIMIT %(quantity)s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM highway.embedding AS e USING old
     WHERE e.tenant_id = old.tenant_id AND e.model = old.model AND e.digest = old.digest
    RETURNING 1
)
SELECT count(*) AS gone FROM gone;

-- name: index_document(tenant_id, collection, document_id, model, metadata, contents, embeddings, most) :one
-- Puts a document's passages in the place of those it had; how many the collection has then.
SELECT highway.index_document(%(tenant_id)s, %(collection)s, %(document_id)s, %(model)s, %(metadata)s::jsonb, %(contents)s::text[],
                              %(embeddings)s::text[], %(most)s) AS passages;

-- name: forget_document(tenant_id, collection, document_id) :one
-- Forgets the passages of a document, or of the whole collection; how many.
WITH gone AS (
    DELETE FROM highway.passage AS p
     WHERE p.tenant_id = %(tenant_id)s AND p.collection = %(collection)s
       AND (%(document_id)s::text IS NULL OR p.document_id = %(document_id)s::text)
    RETURNING 1
)
SELECT count(*) AS gone FROM gone;

-- name: nearest(tenant_id, collection, model, embedding, least, quantity) :many
-- The passages of a collection that are nearest to a vector of length one, the nearest first.
-- Written out here: as a function it could not be inlined, and took twice as long.
SELECT p.document_id, p.position, p.content, p.metadata, s.score
  FROM highway.passage AS p
 CROSS JOIN LATERAL (SELECT sum(v.l::double precision * v.r) AS score FROM unnest(p.embedding, %(embedding)s::real[]) AS v (l, r)) AS s
 WHERE p.tenant_id = %(tenant_id)s AND p.collection = %(collection)s AND p.model = %(model)s
   AND cardinality(p.embedding) = cardinality(%(embedding)s::real[]) AND s.score >= %(least)s
 ORDER BY s.score DESC, p.document_id, p.position
 LIMIT %(quantity)s;
