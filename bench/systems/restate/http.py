"""Requests to Restate over connections that stay open. So little of HTTP that the client's own time does not count: no peer shall lose by its bench."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

HOST = "127.0.0.1"


class HttpError(Exception):
    """An answer that was no success."""


class Line:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any = None, *, accept: str = "*/*") -> bytes:
        """The body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        writer.write(_request(path, body, accept))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        content = await _body(reader, head)
        if not head.split(" ", 2)[1].startswith("2"):
            raise HttpError(f"{path}: {head.splitlines()[0]} {content[:500]!r}")
        return content

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


async def many(lines: list[Line], count: int, path: Callable[[int], str], ended: Callable[[], None]) -> None:
    """So many requests over all lines, each busy all the time."""
    numbers = iter(range(count))

    async def work(line: Line) -> None:
        for number in numbers:
            await line.post(path(number))
            ended()

    await asyncio.gather(*(work(line) for line in lines))


def _request(path: str, body: Any, accept: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else "Content-Type: application/json\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {accept}\r\n{kind}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
    if fields.get("transfer-encoding") == "chunked":
        return await _chunks(reader)
    return await reader.readexactly(int(fields.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)
