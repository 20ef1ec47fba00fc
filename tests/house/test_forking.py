"""The tests' fork server serves threads that ask at once."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.forking import ForkServer


def say(word: str) -> None:
    """What a child does here."""
    sys.stdout.write(word)


def test_children_asked_for_at_once_are_each_their_askers(tmp_path: Path) -> None:
    server = ForkServer(tmp_path / "papers", "tests.house.test_forking")

    def ask(number: int) -> str:
        log = tmp_path / f"{number}.log"
        child = server.call("tests.house.test_forking:say", f"child {number}", log, word=f"{number} {'-' * number}")
        assert child.wait(30) == 0
        return log.read_text().split()[0]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(300))) == [str(number) for number in range(300)]
    server.close()
