-- Whose turn it is to sweep away what is over, and what was swept.

-- name: take_turn(measure, every_seconds) :one
-- A row when nobody has had the turn for so long; whoever gets it does it for all. Where it is not time yet nothing is locked.
INSERT INTO highway.health AS h (measure, value, at)
SELECT %(measure)s, 0, highway.now()
 WHERE NOT EXISTS (SELECT FROM highway.health AS d
                    WHERE d.measure = %(measure)s AND d.at > highway.now() - make_interval(secs => %(every_seconds)s))
ON CONFLICT (measure) DO UPDATE SET at = highway.now() WHERE h.at <= highway.now() - make_interval(secs => %(every_seconds)s)
RETURNING h.measure;

-- name: pass_on(measure, every_seconds) :exec
-- The turn is due again at once, for whoever asks first: this one has not come to the end.
UPDATE highway.health AS h SET at = h.at - make_interval(secs => %(every_seconds)s) WHERE h.measure = %(measure)s;

-- name: count_up(measure, by) :exec
-- Adds to a measure that only grows.
SELECT highway.count_up(%(measure)s, %(by)s);
