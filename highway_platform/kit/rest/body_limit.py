"""Refuses a body that is too large before anything is read into memory, on disk or parsed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


# Who sends a body looks for the answer behind its last byte, and would find the line closed: so what still comes is read and dropped, in bounds.
LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024


class _TooLargeError(Exception):
    """More bytes came than are allowed."""


class BodyLimit:
    """An ASGI application around another. Counts what really arrives, because a chunked body announces no length."""

    def __init__(self, application: Application, *, max_bytes: int) -> None:
        self._application = application
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _announced_bytes(scope) > self._max_bytes:
            await self._refuse(receive, send)
            return
        try:
            await self._application(scope, self._counted(receive), send)
        except _TooLargeError:  # raised while the body is read, so before the answer was begun
            await self._refuse(receive, send)

    def _counted(self, receive: Receive) -> Receive:
        arrived = 0

        async def receive_counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._max_bytes:
                raise _TooLargeError
            return message

        return receive_counted

    async def _refuse(self, receive: Receive, send: Send) -> None:
        body = json.dumps(
            {
                "status": "error",
                "code": "body_too_large",
                "message": f"The body is larger than the {self._max_bytes} bytes that this server accepts.",
                "details": [],
            }
        ).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    left = LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
