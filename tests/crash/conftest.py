"""The stage of the slices that run with every `make test`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.crash.campaigns.base import Stage, Tally
from tests.support.session import Session


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, postgres: Session) -> Iterator[Stage]:
    """Arenas on the session's server."""
    stage = Stage(postgres, tmp_path_factory.mktemp("crash"))
    yield stage
    stage.close()


@pytest.fixture
def seed() -> int:
    """Another one each time, so that many short runs are one long one; CRASH_SEED repeats one. A failing test shows it."""
    return int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1_000_000))


def held(tally: Tally) -> None:
    """The campaign found nothing wrong and did what it was asked for."""
    if tally.skipped:
        pytest.skip(tally.skipped)
    assert tally.problems == []
    assert tally.done > 0
