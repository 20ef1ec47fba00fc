-- Which part of the story is settled, why a run waits in one answer, and upkeep of what nobody needs any more.

-- THE STORY'S NUMBERS are drawn before their transaction commits, so an entry may appear behind one with a greater number. Up to the mark
-- `settled` none will appear any more: whoever comes back to the mark misses nothing. Writers know nothing of it and wait for nobody.

-- A number of the story. The transaction gets its own number before it draws one: highway.settle_story counts on that order.
CREATE FUNCTION highway.next_story() RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('highway.story_seq') END;
ALTER TABLE highway.checkpoint ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.journal ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.event ALTER COLUMN seq SET DEFAULT highway.next_story();
ALTER TABLE highway.signal ALTER COLUMN seq SET DEFAULT highway.next_story();
GRANT SELECT ON SEQUENCE highway.story_seq TO app_worker;

-- One row. `drawn` numbers had been drawn by transactions older than `older_than`; they are settled as soon as all of those have ended.
CREATE TABLE highway.story_mark (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    settled bigint NOT NULL DEFAULT 0,
    drawn bigint NOT NULL DEFAULT 0,
    older_than xid8 NOT NULL DEFAULT '0',
    at timestamptz NOT NULL DEFAULT highway.now()
) WITH (fillfactor = 50);
INSERT INTO highway.story_mark DEFAULT VALUES;
GRANT SELECT ON highway.story_mark TO app_web;
GRANT SELECT, UPDATE ON highway.story_mark TO app_worker;

-- Moves the mark. Has to be the first thing that its transaction writes. Returns the mark.
CREATE FUNCTION highway.settle_story() RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    v_mark highway.story_mark;
    v_drawn bigint;
    v_own xid8;
    v_oldest xid8;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'the story is settled in a transaction of its own' USING ERRCODE = 'HW002';
    END IF;
    -- 1. What has been drawn, by transactions that had their numbers by then.
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO v_drawn FROM highway.story_seq AS s;
    SELECT * INTO v_mark FROM highway.story_mark;
    IF v_mark.settled >= v_drawn THEN
        RETURN v_mark.settled;
    END IF;
    -- 2. A number of our own: greater than all of theirs. One at a time; who comes second has nothing to add.
    SELECT * INTO v_mark FROM highway.story_mark FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    v_own := pg_current_xact_id();
    -- 3. Everything below this one has ended, and is seen by whoever looks after us.
    SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO v_oldest;
    IF v_oldest < v_mark.older_than THEN
        RETURN v_mark.settled;
    END IF;
    UPDATE highway.story_mark AS m
       SET settled = greatest(m.settled, CASE WHEN v_oldest >= v_own THEN v_drawn ELSE m.drawn END),
           drawn = v_drawn, older_than = v_own, at = highway.now()
    RETURNING m.settled INTO v_mark.settled;
    RETURN v_mark.settled;
END
$$;
