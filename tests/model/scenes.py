"""Commands that belong together, of one run and two workers: what chance alone would seldom bring about."""

from __future__ import annotations

RESCUE, CRON, APPROVALS = 0, 1, 5  # the places of these services among `SERVICES`
# (command, whether the first of the two workers does it, what is not left to chance).
Scene = tuple[tuple[str, bool, dict[str, int | str]], ...]
SCENES: tuple[Scene, ...] = (
    # A zombie: frozen in the middle of its work, its tasks taken over, it goes on where it was.
    (
        ("work", True, {}),
        ("freeze", True, {}),
        ("serve", False, {"service": RESCUE}),
        ("claim", False, {"quantity": 3}),
        ("work", False, {"steps": 2}),
        ("thaw", True, {}),
        ("work", True, {}),
        ("work", False, {}),
    ),
    # What comes during a pause.
    (("pause", True, {}), ("work", True, {}), ("signal", True, {}), ("emit", True, {}), ("resume", True, {})),
    # A stop that meets work under way, and what the worker makes of it.
    (
        ("claim", True, {"quantity": 3}),
        ("work", True, {}),
        ("cancel", True, {}),
        ("work", True, {}),
        ("look", True, {}),
    ),
    # What was stopped is done again beside what came meanwhile.
    (("submit", True, {}), ("cancel", True, {}), ("submit", True, {}), ("restart", True, {}), ("retry", True, {})),
    # The history of one that is in the middle of its work, and of one that has come to its end, or as far as it can.
    (("claim", True, {"quantity": 3}), ("work", True, {}), ("fork", True, {}), ("drive", True, {}), ("fork", True, {})),
    (("drive", True, {}), ("restart", True, {}), ("drive", False, {}), ("advance", True, {}), ("drive", True, {})),
    # An activity that is withdrawn, and all of it once more.
    (
        ("claim", True, {"quantity": 3}),
        ("work", True, {}),
        ("cancel_activity", True, {"step": 0}),
        ("drive", True, {}),
        ("retry", True, {}),
    ),
    # What the clock starts.
    (
        ("schedule", True, {}),
        ("advance", True, {"seconds": 61}),
        ("serve", True, {"service": CRON}),
        ("drive", True, {}),
        ("advance", True, {}),
        ("serve", True, {"service": CRON}),
        ("fire", True, {}),
    ),
    # Those who wait while nothing may begin.
    (
        ("hold_queue", True, {}),
        ("submit", True, {}),
        ("claim", True, {}),
        ("free_queue", True, {}),
        ("claim", True, {}),
    ),
)
# The same of people who decide; who says what is left to chance.
ASKING_SCENES: tuple[Scene, ...] = (
    # As many as it takes.
    (("drive", True, {}), ("decide", True, {}), ("decide", True, {}), ("drive", True, {}), ("decide", True, {})),
    # One person twice, who has a say in everything; then another.
    (
        ("drive", True, {}),
        ("decide", True, {"person": 3, "vote": "approve"}),
        ("decide", True, {"person": 3, "vote": "approve"}),
        ("decide", True, {"person": 0}),
        ("decide", True, {"person": 1}),
        ("drive", True, {}),
    ),
    # Too late, before and after the service has seen it.
    (
        ("drive", True, {}),
        ("advance", True, {"seconds": 61}),
        ("decide", True, {"open": 1}),
        ("decide", True, {"open": 1}),
        ("serve", True, {"service": APPROVALS}),
        ("decide", True, {"open": 0}),
        ("drive", True, {}),
    ),
    # During a pause.
    (
        ("drive", True, {}),
        ("pause", True, {}),
        ("decide", True, {"person": 3}),
        ("decide", True, {"person": 0}),
        ("resume", True, {}),
        ("drive", True, {}),
    ),
    # The end of the run comes between, and all is asked once more.
    (
        ("drive", True, {}),
        ("decide", True, {}),
        ("cancel", True, {}),
        ("decide", True, {"open": 0}),
        ("restart", True, {}),
    ),
    (
        ("drive", True, {}),
        ("kill_run", True, {}),
        ("decide", True, {"open": 0}),
        ("restart", True, {}),
        ("drive", True, {}),
    ),
    # A history with what was decided in it.
    (
        ("drive", True, {}),
        ("decide", True, {"vote": "approve"}),
        ("drive", True, {}),
        ("fork", True, {"step": 4}),
        ("drive", True, {}),
    ),
    # What was decided while a worker that knew of it was away.
    (
        ("drive", True, {}),
        ("decide", True, {"vote": "approve"}),
        ("claim", True, {"quantity": 3}),
        ("work", True, {"steps": 2}),
        ("freeze", True, {}),
        ("serve", True, {"service": RESCUE}),
        ("drive", False, {}),
        ("thaw", True, {}),
        ("work", True, {}),
    ),
)
