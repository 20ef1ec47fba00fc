-- A worker plans each of its statements once, and what was planned while a table was empty was a guess between indexes that all looked alike: one that
-- reads all of a tenant for each row is no worse than the key, until there are rows. Autovacuum counts once a minute. So tables that have grown much since
-- they were counted are counted by the workers (the service `statistics`): whoever has planned with them plans anew.
CREATE FUNCTION highway.count_what_has_grown() RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_few constant integer := 8;  -- pages that do no harm, whatever the plan
    v_much constant integer := 4;
    v_table regclass;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('highway.count_what_has_grown', 7)) THEN
        RETURN;  -- another worker does it
    END IF;
    FOR v_table IN
        SELECT c.oid::regclass FROM pg_class AS c
         WHERE c.relnamespace = 'highway'::regnamespace AND c.relkind = 'r'
           AND pg_relation_size(c.oid) / current_setting('block_size')::integer > greatest(v_few, v_much * c.relpages)
    LOOP
        EXECUTE format('ANALYZE %s', v_table);
        RETURN NEXT v_table::text;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION highway.count_what_has_grown FROM PUBLIC;
GRANT EXECUTE ON FUNCTION highway.count_what_has_grown TO app_worker;
