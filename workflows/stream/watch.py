"""Tells viewers that their run has changed: one poller for a whole process, with work only while somebody looks."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)
EVERY_SECONDS = 0.5
MOST_VIEWERS = 200  # in one process
Place = tuple[uuid.UUID, uuid.UUID]  # tenant, run
ReadTags = Callable[[uuid.UUID, Sequence[uuid.UUID]], Mapping[uuid.UUID, int]]


class Watch:
    """Who looks at which run. Used by the event loop's thread alone; what it asks the database it asks in another."""

    def __init__(self, read_tags: ReadTags) -> None:
        self._read_tags = read_tags
        self._viewers: dict[Place, set[asyncio.Event]] = {}
        self._tags: dict[Place, int | None] = {}
        self._poller: asyncio.Task[None] | None = None

    @property
    def viewers(self) -> int:
        """How many are looking."""
        return sum(len(events) for events in self._viewers.values())

    @asynccontextmanager
    async def follow(self, tenant_id: uuid.UUID, run_id: uuid.UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set now and whenever the run has changed; the viewer clears it before it reads."""
        place, changed = (tenant_id, run_id), asyncio.Event()
        changed.set()
        self._viewers.setdefault(place, set()).add(changed)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield changed
        finally:
            self._leave(place, changed)

    def _leave(self, place: Place, changed: asyncio.Event) -> None:
        self._viewers[place].discard(changed)
        if not self._viewers[place]:
            del self._viewers[place]
            self._tags.pop(place, None)
        if not self._viewers and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    async def _poll(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - whatever the database has, viewers wait until it is over
                log.warning("cannot see whether runs have changed: %s", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self) -> None:
        """One question for each tenant."""
        runs: dict[uuid.UUID, list[uuid.UUID]] = {}
        for tenant_id, run_id in self._viewers:
            runs.setdefault(tenant_id, []).append(run_id)
        for tenant_id, run_ids in runs.items():
            tags = await asyncio.to_thread(self._read_tags, tenant_id, run_ids)
            for run_id in run_ids:
                self._tell((tenant_id, run_id), tags.get(run_id))

    def _tell(self, place: Place, tag: int | None) -> None:
        if place in self._viewers and (place not in self._tags or self._tags[place] != tag):
            self._tags[place] = tag
            for changed in self._viewers[place]:
                changed.set()
