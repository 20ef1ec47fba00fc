-- What the web changes, row by row, and in which transaction: so that the effects of one request can be counted whatever it does.
-- Installed by the superuser into test databases.
CREATE SCHEMA requests;
CREATE TABLE requests.change (xact xid8 NOT NULL, relation text NOT NULL, operation text NOT NULL, key text);
CREATE INDEX ON requests.change (key);
CREATE INDEX ON requests.change (xact);

CREATE FUNCTION requests.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF session_user = 'app_web' THEN
        INSERT INTO requests.change (xact, relation, operation, key)
        VALUES (pg_current_xact_id(), TG_TABLE_NAME, TG_OP,
                CASE TG_TABLE_NAME WHEN 'idempotency' THEN coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> 'key' END);
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('CREATE TRIGGER requests_note AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION requests.note()', v_table);
    END LOOP;
END $$;

-- What happened under a key: the transactions that answered it, and those of them that changed anything else.
CREATE FUNCTION requests.under(p_key text, OUT answered bigint, OUT effective bigint) LANGUAGE sql AS $$
    WITH own AS (
        SELECT DISTINCT c.xact FROM requests.change AS c WHERE c.key = p_key AND c.operation <> 'DELETE'
    )
    SELECT count(*), count(*) FILTER (WHERE EXISTS (
           SELECT FROM requests.change AS c WHERE c.xact = o.xact AND (c.relation <> 'idempotency' OR c.operation = 'DELETE')))
      FROM own AS o
$$;

-- Transactions that changed something and answered no key.
CREATE FUNCTION requests.stray() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM (
        SELECT c.xact FROM requests.change AS c GROUP BY c.xact
        HAVING NOT bool_or(c.relation = 'idempotency' AND c.operation <> 'DELETE')) AS s
$$;
