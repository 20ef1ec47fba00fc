-- A worker plans each of its statements once, and what was planned while a table was empty was a guess between indexes that all looked alike: one that
-- reads all of a tenant for each row is no worse than the key, until there are rows. Autovacuum counts once a minute. So tables that have grown much since
-- they were counted are counted by the workers (the service `statistics`): whoever has planned with them plans anew.
CREATE FUNCTION highway.count_table(p_table regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r') THEN
        EXECUTE format('ANALYZE %s', p_table);
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION highway.count_table FROM PUBLIC;
GRANT EXECUTE ON FUNCTION highway.count_table TO app_worker;

CREATE FUNCTION highway.count_what_has_grown() RETURNS SETOF text
    LANGUAGE plpgsql AS $$
DECLARE
    v_few_pages constant integer := 8;  -- they do no harm, whatever the plan
    v_few_rows constant integer := 250;
    v_much constant integer := 4;
    v_table regclass;
    v_pages integer;
    v_is_settled boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('highway.count_what_has_grown', 7)) THEN
        RETURN;  -- another worker does it
    END IF;
    FOR v_table, v_pages IN
        SELECT c.oid::regclass, s.pages
          FROM pg_class AS c
         CROSS JOIN LATERAL (SELECT (pg_relation_size(c.oid) / current_setting('block_size')::integer)::integer AS pages) AS s
         WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') AND s.pages > v_few_pages
           AND (s.pages > v_much * c.relpages OR pg_stat_get_live_tuples(c.oid) > v_much * greatest(c.reltuples, v_few_rows))
    LOOP
        -- What is still being written cannot be counted: a table that was would be large and without rows, and not be counted again before it has grown
        -- to four times as much.
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE ctid >= %L::tid)', v_table, format('(%s,0)', v_pages - v_few_pages)) INTO v_is_settled;
        IF v_is_settled THEN
            PERFORM highway.count_table(v_table);
            RETURN NEXT v_table::text;
        END IF;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION highway.count_what_has_grown FROM PUBLIC;
GRANT EXECUTE ON FUNCTION highway.count_what_has_grown TO app_worker;
