-- name: settle() :one
-- Moves the mark up to which the story is settled.
SELECT highway.settle_story() AS settled;

-- name: settled() :one
-- Up to which number no entry will appear any more. Ask this first, and read the story afterwards.
SELECT m.settled FROM highway.story_mark AS m;
