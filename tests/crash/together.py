"""Several pieces of a campaign at once: each of them waits for most of its time, for a timer or for the lease of whoever is dead."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

POLL_SECONDS = 0.03


class Piece(Protocol):
    """Something that is begun, looked at until it is over, judged, and cleared away."""

    def start(self) -> None:
        """Begin."""

    def is_over(self) -> bool:
        """Look once, and do what is to be done now. Raises `AssertionError` when it takes too long."""

    def judge(self) -> list[str]:
        """What was wrong."""

    def end(self) -> None:
        """Kill whoever is left."""


def together(pieces: Iterable[Piece], at_once: int, tick: Callable[[int], None] = lambda _: None) -> list[str]:
    """Play pieces, so many at once; what was wrong with any of them."""
    waiting = deque(pieces)
    playing: list[Piece] = []
    found: list[str] = []
    while waiting or playing:
        while waiting and len(playing) < at_once:
            playing.append(waiting.popleft())
            playing[-1].start()
        time.sleep(POLL_SECONDS)
        for piece in list(playing):
            try:
                if not piece.is_over():
                    continue
                found += piece.judge()
            except AssertionError as error:
                found.append(str(error))
            playing.remove(piece)
            piece.end()
            tick(1)
    return found
