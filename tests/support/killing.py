"""Workers that are killed again and again while others take over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.support.forking import Forked

ENOUGH = 3  # a busy machine starts workers slower than they are killed: some must be left to do the work


@contextmanager
def killing(
    processes: Sequence[Forked],
    introduced: Callable[[], int],
    kill: Callable[[Forked], object],
    start: Callable[[], object],
    every_seconds: float,
) -> Iterator[list[int]]:
    """Kill -9 the oldest worker again and again, and start a new one in its place. ``processes`` grows with each that is started.

    What is given inside are the numbers of the killed ones so far.
    """
    kills: list[int] = []
    over = threading.Event()

    def kill_on() -> None:
        while not over.wait(every_seconds):
            if introduced() < ENOUGH:
                continue
            oldest = next(process for process in processes if process.poll() is None)
            kill(oldest)
            kills.append(oldest.pid)
            start()

    thread = threading.Thread(target=kill_on)
    thread.start()
    try:
        yield kills
    finally:
        over.set()
        thread.join()
