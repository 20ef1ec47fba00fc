"""What is new in a run since a place in its story."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection as django_connection

from engine import facade
from engine.model.views import RunView, StoryEntry
from highway_platform.kit.tenancy import tenant_transaction

QUANTITY = 1_000


@dataclass(frozen=True, slots=True)
class News:
    """A run as it is now, and entries of its story and its log in order. ``more``: there are others behind the last one.

    No entry that is not here appears any more with a number up to ``settled``.
    """

    run: RunView
    entries: list[StoryEntry]
    more: bool
    settled: int


@dataclass(slots=True)
class Progress:
    """How far a viewer has come.

    Numbers are drawn before their transaction commits, so an entry may appear behind one with a greater number. The place from which to read
    therefore stays where everything is settled, and what was shown already behind it is remembered until then.
    """

    place: int
    read_from: int = 0
    shown: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.read_from = self.place

    def take(self, news: News) -> list[StoryEntry]:
        """The entries that were not shown yet."""
        fresh = [entry for entry in news.entries if entry.seq not in self.shown]
        self.shown.update(entry.seq for entry in fresh)
        self.place = facade.place_to_come_back_to(news.entries, after=self.place, settled=news.settled)
        if news.more:
            self.read_from = news.entries[-1].seq
        else:
            self.read_from = self.place
            self.shown = {seq for seq in self.shown if seq > self.place}
        return fresh


def read_news(tenant_id: uuid.UUID, run_id: uuid.UUID, after: int) -> News:
    """In a thread of its own: one consistent picture, and the connection goes back to the pool at once."""
    which = {"tenant_id": tenant_id, "workflow_run_id": run_id}
    try:
        with tenant_transaction(tenant_id) as connection:
            settled = facade.story_settled(connection)  # before the story: what is settled is in it
            run = facade.get_run(connection, **which)
            story = facade.list_story(connection, **which, after=after, quantity=QUANTITY)
            logs = facade.list_logs(connection, **which, after=after, quantity=QUANTITY)
    finally:
        django_connection.close()
    # A list that is full says nothing about what lies behind its end.
    ends = [entries[-1].seq for entries in (story, logs) if len(entries) == QUANTITY]
    entries = sorted(
        (entry for entry in (*story, *logs) if not ends or entry.seq <= min(ends)), key=lambda one: one.seq
    )
    return News(run, entries, bool(ends), settled)


def read_tags(tenant_id: uuid.UUID, run_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    """In a thread of its own: for each run a number that changes when the run does."""
    try:
        with tenant_transaction(tenant_id) as connection:
            return facade.run_tags(connection, tenant_id=tenant_id, run_ids=run_ids)
    finally:
        django_connection.close()
