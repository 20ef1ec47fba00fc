"""A line to a sandboxed program: it asks in JSON lines, we answer each in turn. All of it is untrusted."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO

from engine.model.json import JsonObject

MAX_LINE_BYTES = 2 * 1024 * 1024

Handler = Callable[[bytes], JsonObject | None]


class Channel:
    """Serves one program, in a thread of its own, while the block lasts. ``fd`` is the program's end.

    ``handle`` answers a line, of which it gets the first 2 MiB; None leaves the program waiting for ever, because it is about to be stopped.
    """

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._ours, self._theirs = socket.socketpair()
        self.fd = self._theirs.fileno()
        self._thread = threading.Thread(target=self._serve, name="channel", daemon=True)

    def __enter__(self) -> Channel:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._theirs.close()
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()

    def _serve(self) -> None:
        with self._ours.makefile("rb") as reader:
            while line := _line(reader):
                answer = self._handle(line)
                if answer is None:
                    return
                try:
                    self._ours.sendall(json.dumps(answer).encode() + b"\n")
                except OSError:
                    return  # the program is gone


def _line(reader: BinaryIO) -> bytes:
    try:
        return reader.readline(MAX_LINE_BYTES)
    except OSError:
        return b""  # the program is gone
