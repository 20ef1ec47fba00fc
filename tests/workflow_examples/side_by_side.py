"""Plays many runs at once through the REST API: submitted from several threads, and looked at in turn until all are over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

AT_ONCE = 4  # requests under way
LOOK_SECONDS = 0.1


class Player(Protocol):
    """One run of an example."""

    def start(self) -> None:
        """Submit it."""

    def look(self) -> None:
        """See how it stands, and do what is due from outside."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and so has what it went on as."""

    @property
    def name(self) -> str:
        """Of the example."""

    def problems(self) -> list[str]:
        """What was not as the example promises."""


def play(players: Sequence[Player], seconds: float) -> None:
    """Start them all at once, and look at them until all are over, or the time is."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda player: player.start(), players))
        while time.monotonic() < until and (left := [player for player in players if not player.is_over]):
            list(pool.map(lambda player: player.look(), left))
            time.sleep(LOOK_SECONDS)
