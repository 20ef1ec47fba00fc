"""How the web process answers a request: in one thread, closed before it is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.signals import request_finished, request_started

from highway_platform.kit.one_thread import OneThreadHandler

SCOPE = {"type": "http", "method": "GET", "path": "/ping", "query_string": b"", "headers": [(b"host", b"testserver")]}
Seen = list[tuple[str, int]]


@pytest.fixture
def seen() -> Any:
    """What happened, and in which thread."""
    heard: Seen = []

    def note(name: str) -> Callable[..., None]:
        return lambda **_: heard.append((name, threading.get_ident()))

    begun, ended = note("begun"), note("ended")
    request_started.connect(begun)
    request_finished.connect(ended)
    yield heard
    request_started.disconnect(begun)
    request_finished.disconnect(ended)


async def ask(handler: OneThreadHandler, seen: Seen) -> list[dict[str, Any]]:
    """One request without a body; what was sent."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        seen.append((message["type"], threading.get_ident()))
        sent.append(message)

    await handler(dict(SCOPE), receive, send)
    return sent


def test_one_thread_does_all_of_a_request_and_closes_it_before_it_is_sent(seen: Seen) -> None:
    sent = asyncio.run(ask(OneThreadHandler(), seen))
    assert sent[0]["status"] == 200
    assert [name for name, _ in seen] == ["begun", "ended", "http.response.start", "http.response.body"]
    assert seen[0][1] == seen[1][1] != threading.get_ident()


def test_the_next_request_takes_up_the_thread_of_the_one_before(seen: Seen) -> None:
    async def two() -> None:
        handler = OneThreadHandler()
        await ask(handler, seen)
        await asyncio.sleep(0.05)
        await ask(handler, seen)

    asyncio.run(two())
    assert len({thread for name, thread in seen if name == "begun"}) == 1
