"""When a worker looks for work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.orchestrator.session import Session
from engine.queue.claims import Look
from engine.queue.writes import Finished, TaskWrites
from engine.worker.claiming import MOMENT_SECONDS, Claiming
from engine.worker.config import WorkerConfig
from engine.worker.orders import Orders
from engine.worker.programs import Programs
from tests.support.databases import Database
from tests.support.runs import start

Connect = Callable[..., psycopg.Connection[Any]]


def _claiming(connection: psycopg.Connection[Any]) -> Claiming:
    config = WorkerConfig("", "looks", {}, make_sandbox=lambda: None)  # type: ignore[arg-type, return-value]
    return Claiming(config, connection, uuid4(), Programs(), Orders())


def _made(connection: psycopg.Connection[Any], claiming: Claiming, look: Look) -> list[Session]:
    with connection.pipeline():
        look.send(connection)
    look.receive(connection)
    return claiming.enter(claiming.take_up(look.catch()))


@pytest.mark.parametrize("cap", ["of its tenant", "of a queue"])
def test_the_end_of_a_run_is_looked_behind_for_what_a_cap_has_kept_back(
    database: Database, connect: Connect, tenant: UUID, cap: str
) -> None:
    """1 a look takes what the cap allows, 2 the next finds nothing and waits for a hint, 3 a run ends, of which no hint tells: look in a moment."""
    with connect("superuser", autocommit=True) as owner:
        if cap == "of its tenant":
            owner.execute("INSERT INTO highway.tenant_policy (tenant_id, max_running) VALUES (%s, 1)", [tenant])
        else:
            owner.execute(
                "INSERT INTO highway.queue_policy (tenant_id, queue, max_running) VALUES (%s, 'default', 1)", [tenant]
            )
    with connect("web", autocommit=True) as web:
        for _ in range(3):
            start(web, tenant)
    with connect("worker", autocommit=True) as connection:
        claiming = _claiming(connection)
        taken: list[Session] = []
        while look := claiming.look([], 0, 16):
            taken += _made(connection, claiming, look)
        assert len(taken) == 1
        assert claiming.seconds_to_next > MOMENT_SECONDS
        claiming.gone(TaskWrites(taken[0].task, exit=Finished("completed")))
        assert claiming.seconds_to_next <= MOMENT_SECONDS
