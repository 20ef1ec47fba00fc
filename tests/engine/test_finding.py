"""What a person types is found in a bounded time: names and ids however old, starters and messages among the newest runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.views import RunFilter
from tests.engine.definitions import task, workflow
from tests.support.databases import Database
from tests.support.runs import start

WORKFLOW = workflow(task("only", "tools.log.info", "x"), name="ship_orders")
WALK = 3


def _found(connection: psycopg.Connection[Any], tenant: UUID, text: str, **how: Any) -> list[UUID]:
    page = {name: how.pop(name) for name in ("before", "quantity") if name in how}
    rows = facade.find_runs(connection, tenant_id=tenant, chosen=RunFilter(text=text, **how), **page)
    return [row.workflow_run_id for row in rows]


@pytest.fixture
def runs(module_database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The oldest is of another workflow and was started by ann; then some of carl's. More of them than are walked through."""
    monkeypatch.setattr("engine.facade.finding.FIND_WALK", WALK)
    with connect(module_database.web) as connection:
        first = start(connection, tenant, WORKFLOW, triggered_by="ann")
        return [first, *(start(connection, tenant, triggered_by="carl") for _ in range(WALK + 1))]


def test_a_name_is_found_however_old_its_runs_are(module_database: Database, tenant: UUID, runs: list[UUID]) -> None:
    with connect(module_database.web) as connection:
        assert _found(connection, tenant, "SHIP_") == [runs[0]]
        assert _found(connection, tenant, "ship", names=("one_task",)) == []
        assert _found(connection, tenant, "one_t", quantity=2) == [runs[-1], runs[-2]]
        assert _found(connection, tenant, "one_t", before=runs[-2]) == runs[-3:0:-1]


def test_an_id_is_found_by_its_beginning(module_database: Database, tenant: UUID, runs: list[UUID]) -> None:
    with connect(module_database.web) as connection:
        assert _found(connection, tenant, str(runs[0])) == [runs[0]]
        assert _found(connection, tenant, runs[0].hex[:30]) == [runs[0]]
        assert _found(connection, tenant, str(runs[0]), statuses=("failed",)) == []
        assert _found(connection, tenant, str(runs[0])[:8]) == runs[::-1], "they were started in the same minute"


def test_a_starter_is_found_among_the_newest(module_database: Database, tenant: UUID, runs: list[UUID]) -> None:
    with connect(module_database.web) as connection:
        assert _found(connection, tenant, "carl") == runs[: -WALK - 1 : -1]
        assert _found(connection, tenant, "carl", before=runs[-1]) == runs[-2 : -WALK - 1 : -1], (
            "the same runs, page by page"
        )
        assert _found(connection, tenant, "ann") == []
        everywhere = facade.list_runs(connection, tenant_id=tenant, chosen=RunFilter(text="ann"))
        assert [row.workflow_run_id for row in everywhere] == [runs[0]]


def test_a_text_with_signs_of_patterns_is_taken_as_it_is(
    module_database: Database, tenant: UUID, runs: list[UUID]
) -> None:
    with connect(module_database.web) as connection:
        assert runs
        assert _found(connection, tenant, "%") == []
        assert _found(connection, tenant, "ship.orders") == []
        assert _found(connection, tenant, "00000000-") == []
