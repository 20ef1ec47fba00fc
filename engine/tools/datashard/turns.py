"""Whose turn it is to write to a table: looking whether a batch is there and writing it must be one act, and the library has none for both.

A worker that was declared dead may only have been stopped. When it goes on it writes what it was about to write, and whoever took its step over has
written that, too. The lock is the kernel's: it is free when its process is gone, and kept while that is stopped.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.durable.tool_context import ToolContext
from engine.tools.errors import ToolCancelled, ToolError

WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.02


@contextmanager
def turn(ctx: ToolContext, table: Path) -> Iterator[None]:
    """Hold the table's lock, which nobody else of those who see this folder holds then. Raises a `ToolError` that may pass when it is not free in time."""
    held = os.open(table.with_name(f".{table.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        _wait(ctx, held, table.name)
        yield
    finally:
        os.close(held)  # and with it the lock


def _wait(ctx: ToolContext, held: int, table: str) -> None:
    until = time.monotonic() + ctx.bounded(WAIT_SECONDS)
    while not _taken(held):
        if ctx.is_cancelled:
            raise ToolCancelled
        if time.monotonic() >= until:
            raise ToolError(f"the table {table} was being written to by others all the time", type="TableBusy")
        time.sleep(_LOOK_SECONDS)


def _taken(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
