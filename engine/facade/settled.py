"""Reading on in a story without missing what was committed late."""

from __future__ import annotations

from collections.abc import Sequence

from engine.db.connection import Connection
from engine.db.queries import load
from engine.model.views import StoryEntry

_sql = load("story")


def story_settled(connection: Connection) -> int:
    """The number up to which no entry of any story will appear any more. Ask first, read afterwards."""
    row = _sql.settled.one(connection)
    return int(row["settled"]) if row else 0


def place_to_come_back_to(entries: Sequence[StoryEntry], *, after: int, settled: int) -> int:
    """From where to read on later: behind the last of these entries before which none can appear any more.

    Entries behind that place come once more then; each is known by its number.
    """
    return max((entry.seq for entry in entries if entry.seq <= settled), default=after)
