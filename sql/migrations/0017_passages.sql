-- What tools of retrieval know: passages of a tenant's documents with their embeddings, and a cache of embeddings.
--
-- Nearness is exact: every passage of a collection is compared, so a collection is bounded (`index_document`). Vectors are stored at length one:
-- their scalar product is the cosine of their angle.

CREATE TABLE highway.passage (
    tenant_id uuid NOT NULL,
    collection text NOT NULL CHECK (length(collection) BETWEEN 1 AND 200),
    document_id text NOT NULL CHECK (length(document_id) BETWEEN 1 AND 500),
    position integer NOT NULL CHECK (position >= 0),    -- its place in the document, from 0
    model text NOT NULL,                                -- provider and model of the embedding: those of others cannot be compared with it
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',               -- the document's
    embedding real[] NOT NULL CHECK (cardinality(embedding) BETWEEN 1 AND 16000),
    indexed_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, collection, document_id, position)
);
ALTER TABLE highway.passage ALTER COLUMN embedding SET STORAGE EXTERNAL; -- it does not become smaller, only slower to read
CALL highway.protect('highway.passage');

-- Embeddings of texts by their digest, so that the same text is not paid for twice. A tenant's are its own: nobody learns what others have asked.
CREATE TABLE highway.embedding (
    tenant_id uuid NOT NULL,
    model text NOT NULL,
    digest text NOT NULL CHECK (length(digest) = 64),
    embedding real[] NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, model, digest)
);
CREATE INDEX embedding_expired ON highway.embedding (expires_at);
CALL highway.protect('highway.embedding');

-- Puts a document's passages in the place of those that it had, all or none; how many the collection has then. Indexers of one collection take
-- turns, so that none finds a collection half full that another fills. Raises HW002 when there would be more than p_most.
CREATE FUNCTION highway.index_document(
    p_tenant uuid, p_collection text, p_document text, p_model text, p_metadata jsonb, p_contents text[], p_embeddings text[], p_most integer)
    RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('passages:' || p_tenant || ':' || p_collection, 0));
    DELETE FROM highway.passage AS p
     WHERE p.tenant_id = p_tenant AND p.collection = p_collection AND p.document_id = p_document;
    INSERT INTO highway.passage (tenant_id, collection, document_id, position, model, content, metadata, embedding)
    SELECT p_tenant, p_collection, p_document, n.number - 1, p_model, n.content, p_metadata, n.embedding::real[]
      FROM unnest(p_contents, p_embeddings) WITH ORDINALITY AS n (content, embedding, number);
    SELECT count(*) INTO v_count FROM highway.passage AS p WHERE p.tenant_id = p_tenant AND p.collection = p_collection;
    IF v_count > p_most THEN
        RAISE EXCEPTION 'the collection % would have % passages, at most % are searched', p_collection, v_count, p_most
            USING ERRCODE = 'HW002';
    END IF;
    RETURN v_count;
END
$$;
