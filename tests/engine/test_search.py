"""Runs are found by their attributes and tags: exactly, newest first, and by an index."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError
from engine.model.json import Json
from engine.model.views import RunFilter
from tests.engine.definitions import task, workflow
from tests.support.databases import Database
from tests.support.runs import start
from tests.support.workers import Workers


def _found(connection: psycopg.Connection[Any], tenant: UUID, **chosen: Any) -> list[UUID]:
    rows = facade.list_runs(connection, tenant_id=tenant, chosen=RunFilter(**chosen))
    return [row.workflow_run_id for row in rows]


def test_runs_are_found_by_all_their_attributes_and_tags(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    with connect(module_database.web) as connection:
        one = start(connection, tenant, attributes={"customer": "acme", "size": 3, "hot": True}, tags=["eu", "x"])
        two = start(connection, tenant, attributes={"customer": ["acme", "bolt"], "size": 4}, tags=["eu"])
        start(connection, other_tenant, attributes={"customer": "acme"}, tags=["eu"])
        start(connection, tenant, attributes={"#": "eu", "note": {"customer": "acme"}})
        assert _found(connection, tenant, attributes=(("customer", "acme"),)) == [two, one]
        assert _found(connection, tenant, attributes=(("customer", "acme"), ("size", "3"))) == [one]
        assert _found(connection, tenant, attributes=(("hot", "true"),)) == [one]
        assert _found(connection, tenant, attributes=(("customer", "bolt"),), tags=("eu",)) == [two]
        assert _found(connection, tenant, tags=("eu", "x")) == [one]
        assert _found(connection, tenant, tags=("eu",), statuses=("failed",)) == []
        assert _found(connection, tenant, tags=("eu",), names=("one_*",)) == [two, one]
        page = facade.list_runs(connection, tenant_id=tenant, chosen=RunFilter(tags=("eu",)), before=two)
        assert [row.workflow_run_id for row in page] == [one]


def test_attributes_are_merged_taken_away_and_found_as_they_are_then(module_database: Database, tenant: UUID) -> None:
    with connect(module_database.web) as connection:
        run = start(connection, tenant, attributes={"a": 1, "b": 2})
        which = {"tenant_id": tenant, "workflow_run_id": run}
        assert facade.set_attributes(connection, **which, attributes={"a": None, "c": "x"}) == {"b": 2, "c": "x"}
        assert _found(connection, tenant, attributes=(("a", "1"),)) == []
        assert _found(connection, tenant, attributes=(("c", "x"), ("b", "2"))) == [run]
        bad: Json
        for bad in ({"deep": 1}, [{"x": 1}], [[1]]):
            with pytest.raises(InvalidError, match="'d'"):
                facade.set_attributes(connection, **which, attributes={"d": bad})
        with pytest.raises(InvalidError, match="at most 64"):
            facade.set_attributes(connection, **which, attributes={f"n{i}": i for i in range(64)})


def test_attributes_of_others_cannot_be_set(module_database: Database, tenant: UUID, other_tenant: UUID) -> None:
    with connect(module_database.web) as connection:
        run = start(connection, tenant)
        with pytest.raises(NotFoundError):
            facade.set_attributes(connection, tenant_id=other_tenant, workflow_run_id=run, attributes={"a": 1})


def test_a_workflow_sets_its_own_attributes_also_from_a_branch(workers: Workers) -> None:
    workers.start()
    inner = workflow(task("mark", function="tools.workflow.set_attributes", args=[{"from": "branch"}]), name="b")
    fork = {"task_id": "fork", "operator_type": "parallel", "dependencies": ["own"], "branch_workflows": {"b": inner}}
    definition = workflow(
        task("own", function="tools.workflow.set_attributes", kwargs={"attributes": {"order": 7, "old": None}}),
        fork,
        task("join", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"]),
    )
    run = workers.submit(definition, attributes={"old": "x"})
    assert workers.finish(run).attributes == {"order": 7, "from": "branch"}
    with connect(workers.database.web) as connection:
        assert _found(connection, workers.tenant, attributes=(("order", "7"), ("from", "branch"))) == [run]
