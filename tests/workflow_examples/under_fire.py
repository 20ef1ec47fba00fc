"""Every example at once through the REST API, while workers are killed: the golden workflows, the patterns, and the gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.support.killing import ENOUGH, killing
from tests.support.stack import Stack
from tests.workflow_examples import gallery, golden
from tests.workflow_examples.patterns.catalogue import patterns
from tests.workflow_examples.patterns.play import PatternRun
from tests.workflow_examples.side_by_side import Player, play

EVERY_SECONDS = 1.0  # a worker is killed
SECONDS = 120.0  # in which all must have ended


def examples(client: Client) -> list[Player]:
    """A run of each. The golden ones are the longest: they begin first."""
    own: list[Player] = [golden.GoldenRun(client, name) for name in golden.NAMES]
    return [*own, *(PatternRun(client, pattern) for pattern in patterns()), *gallery.runs(client)]


def author(stack: Stack) -> Client:
    """Somebody who may write and run workflows, on a platform whose web server runs."""
    stack.manage("create_tenant", "acme")
    return Client(stack.url, make_key(stack, "acme", "--role", "workflow_author"))


def play_under_fire(
    stack: Stack, client: Client, kills: int, tick: Callable[[int], None] = lambda _: None
) -> tuple[list[Player], int]:
    """All examples, again until so many workers were killed and replaced. The runs, and how many workers it were."""
    players: list[Player] = []
    with _fire(stack) as killed:
        while len(killed) < kills:
            before = len(killed)
            more = examples(client)
            play(more, SECONDS)
            players += more
            tick(len(killed) - before)
        return players, len(killed)


@contextmanager
def _fire(stack: Stack) -> Iterator[list[int]]:
    for _ in range(ENOUGH):
        stack.start_worker()
    with killing(stack.workers, stack.introduced, stack.kill_worker, stack.start_worker, EVERY_SECONDS) as killed:
        yield killed
