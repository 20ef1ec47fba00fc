"""A part of a story or a log, and from where to read on: at once for the rest, and later for what comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine import facade
from engine.model.views import StoryEntry


@dataclass(frozen=True, slots=True)
class Tail:
    """Entries behind the number ``after``, at most ``limit``, oldest first; ``settled`` was asked before they were read."""

    entries: Sequence[StoryEntry]
    after: int
    limit: int
    settled: int

    def places(self) -> dict[str, int | None]:
        """``next_after`` goes on with the rest, if there may be any. ``tail_after`` is the place to come back to: nothing is missed from there,
        and an entry that was not settled yet comes again under its number."""
        is_full = len(self.entries) == self.limit
        return {
            "next_after": self.entries[-1].seq if is_full else None,
            "tail_after": facade.place_to_come_back_to(self.entries, after=self.after, settled=self.settled),
        }
