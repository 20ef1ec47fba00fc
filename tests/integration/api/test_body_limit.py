"""A body that is too large: whoever is slow, or never ends, does not keep the server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from highway_platform.kit.rest import body_limit
from highway_platform.kit.rest.body_limit import BodyLimit, Receive, Send

CHUNK = {"type": "http.request", "body": b"x" * 1024, "more_body": True}


async def never(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    pytest.fail("the application was reached")


def refused(receive: Receive) -> list[Mapping[str, Any]]:
    """What is sent to a client that announced too much."""
    sent: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"content-length", b"100")]}
    asyncio.run(BodyLimit(never, max_bytes=10)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert b"body_too_large" in sent[1]["body"]
    return sent


def test_a_client_that_goes_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "LINGER_SECONDS", 0.05)

    async def receive() -> Mapping[str, Any]:
        await asyncio.sleep(60)
        return CHUNK

    assert refused(receive)[-1] == {"type": "http.response.body", "body": b""}


def test_a_client_that_never_ends_is_cut_off_and_one_that_ends_or_leaves_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_limit, "LINGER_BYTES", 10_000)
    for stream, reads in (
        ([CHUNK] * 1_000, 10),
        ([CHUNK, CHUNK | {"more_body": False}, CHUNK], 2),
        ([CHUNK, {"type": "http.disconnect"}, CHUNK], 2),
    ):
        left = list(stream)

        async def receive(left: list[Any] = left) -> Mapping[str, Any]:
            return left.pop(0)

        assert refused(receive)[-1] == {"type": "http.response.body", "body": b""}
        assert len(stream) - len(left) == reads
