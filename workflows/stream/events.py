"""The stream of one viewer: from where they were to the end of the run, their departure, or the end of their time."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.db import Error as DatabaseError

from engine import facade
from engine.model.views import StoryEntry

from .. import presenters
from .news import News, Progress, read_news
from .watch import Watch

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2_000  # after which a browser comes back


async def follow_run(
    watch: Watch, tenant_id: uuid.UUID, run_id: uuid.UUID, *, after: int, seconds: float
) -> AsyncIterator[bytes]:
    """Events ``status``, ``step``, ``event``, ``log`` and, last, ``done``. Comments in between keep the connection open.

    The id of an event is the place to come back to: what was not settled yet is then told again, and every entry has its own number.
    """
    until = asyncio.get_running_loop().time() + seconds
    progress, status = Progress(after), ""
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    async with watch.follow(tenant_id, run_id) as changed:
        while True:
            if changed.is_set():
                changed.clear()
                news = await _read(tenant_id, run_id, progress.read_from)
                if news is None:
                    return
                for text in list(_told(news, progress, status)):
                    yield text
                status = news.run.status
                if news.more:
                    changed.set()
                    continue
                if not news.run.is_open:
                    yield _event("done", _end(news), progress.place)
                    return
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return
            if not await _wait(changed, min(left, HEARTBEAT_SECONDS)):
                changed.set()
                yield b": still here\n\n"


async def _read(tenant_id: uuid.UUID, run_id: uuid.UUID, after: int) -> News | None:
    """None when it cannot be read: the viewer comes back to where they were."""
    try:
        return await asyncio.to_thread(read_news, tenant_id, run_id, after)
    except (facade.EngineError, DatabaseError) as error:
        log.warning("a stream ends early: %s", type(error).__name__)
        return None


async def _wait(changed: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _told(news: News, progress: Progress, status: str) -> Iterator[bytes]:
    for entry in progress.take(news):
        yield _event(_name(entry), _shown(entry), progress.place)
    if news.run.status != status:
        yield _event("status", presenters.run_row(news.run), progress.place)


def _name(entry: StoryEntry) -> str:
    if entry.kind == "log":
        return "log"
    return "step" if entry.kind.startswith("step_") else "event"


def _shown(entry: StoryEntry) -> dict[str, Any]:
    return presenters.log_line(entry) if entry.kind == "log" else presenters.story_entry(entry)


def _end(news: News) -> dict[str, Any]:
    run = news.run
    return {
        "workflow_run_id": str(run.workflow_run_id),
        "status": run.status,
        "error": (run.error or {}).get("message"),
    }


def _event(name: str, data: dict[str, Any], place: int) -> bytes:
    return f"id: {place}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
