"""What one statement does on an idle connection is one round trip; wherever a transaction is open, or has to be, all is as it was."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import BacklogFullError, InvalidError, NotFoundError, StateError
from engine.facade.tenancy import tenant_transaction
from engine.kit.fault_points import FaultPoint, arm
from engine.model.flow import FlowOptions, TenantPolicy
from engine.model.views import RunFilter, RunRow
from engine.queue.payloads import APART_BYTES
from tests.support.databases import Database
from tests.support.runs import ONE_TASK, scalar

Tell = Callable[[psycopg.Connection[Any], UUID, UUID], Any]
ROWS = """
    SELECT to_jsonb(r) - '{workflow_run_id,created_at,deadline_at}'::text[], r.deadline_at - r.created_at,
           to_jsonb(t) - '{workflow_run_id,task_id,created_at,available_at}'::text[], t.available_at - t.created_at
      FROM highway.workflow_run AS r JOIN highway.task AS t USING (tenant_id, workflow_run_id)
     WHERE r.workflow_run_id = %s"""


def _emit(connection: psycopg.Connection[Any], tenant: UUID, run: UUID) -> Any:
    return facade.emit_event(connection, tenant_id=tenant, workflow_run_id=run, name="go", payload={"a": 1}, by="ann")


def _signal(connection: psycopg.Connection[Any], tenant: UUID, run: UUID) -> Any:
    return facade.send_signal(connection, tenant_id=tenant, workflow_run_id=run, name="go", payload={"a": 1})


def _ask(connection: psycopg.Connection[Any], tenant: UUID, run: UUID) -> Any:
    return facade.request_update(connection, tenant_id=tenant, workflow_run_id=run, name="go", payload=1)


def _cancel(connection: psycopg.Connection[Any], tenant: UUID, run: UUID) -> Any:
    return facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)


TELLS: list[Tell] = [_emit, _signal, _ask, _cancel]


def _definition(connection: psycopg.Connection[Any], tenant: UUID, **more: Any) -> UUID:
    return facade.register(connection, tenant_id=tenant, definition=ONE_TASK | more).definition_id


def _submit(connection: psycopg.Connection[Any], tenant: UUID, definition_id: UUID, **how: Any) -> facade.Submitted:
    return facade.submit(connection, tenant_id=tenant, definition_id=definition_id, **({"inputs": {}} | how))


def _runs(connection: psycopg.Connection[Any], tenant: UUID) -> list[RunRow]:
    return facade.list_runs(connection, tenant_id=tenant, chosen=RunFilter())


def _tenant_of(connection: psycopg.Connection[Any]) -> str | None:
    told: str | None = scalar(connection, "SELECT nullif(current_setting('highway.tenant_id', true), '')")
    return told


@contextmanager
def _round_trips(connection: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """What went out in the block, by the client library's own log: a question each, that the server answers before the next."""
    sent: list[str] = []
    with tempfile.TemporaryFile("w+") as log:
        connection.pgconn.trace(log.fileno())
        try:
            yield sent
        finally:
            connection.pgconn.untrace()
        log.seek(0)
        lines = [line.split("\t") for line in log.read().splitlines()]
    sent += [columns[3] for columns in lines if columns[1] == "F" and columns[3].split()[0] in ("Sync", "Query")]


@pytest.fixture
def web(module_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with connect(module_database.web) as connection:
        yield connection


def test_a_submission_is_one_round_trip(web: psycopg.Connection[Any], tenant: UUID) -> None:
    definition_id = _definition(web, tenant)
    _submit(web, tenant, definition_id)  # prepares the statement
    with _round_trips(web) as sent:
        _submit(web, tenant, definition_id, inputs={"text": "é"}, tags=["a"], attributes={"b": 1})
    assert len(sent) == 1
    with _round_trips(web) as sent, tenant_transaction(web, tenant):
        _submit(web, tenant, definition_id)
    assert len(sent) == 4, "BEGIN, tenant, submission, COMMIT"


def test_so_is_the_question_which_definition_somebody_means(web: psycopg.Connection[Any], tenant: UUID) -> None:
    first = facade.register(web, tenant_id=tenant, definition=ONE_TASK)
    second = facade.register(web, tenant_id=tenant, definition=ONE_TASK | {"description": "the next version"})
    of_second: dict[str, Any] = {"definition_hash": second.definition_hash}
    assert facade.meant_definition(web, tenant_id=tenant, **of_second) is not None  # prepares the statement
    with _round_trips(web) as sent:
        found = facade.meant_definition(web, tenant_id=tenant, **of_second)
    assert len(sent) == 1
    assert found == replace(second, created=False)
    for how, meant in (
        ({"definition_id": first.definition_id}, first),
        ({"name": first.name}, second),
        ({"name": first.name, "version": 1}, first),
    ):
        assert facade.meant_definition(web, tenant_id=tenant, **how) == replace(meant, created=False), how


def test_nobody_means_what_another_tenant_has(web: psycopg.Connection[Any], tenant: UUID) -> None:
    stored = facade.register(web, tenant_id=tenant, definition=ONE_TASK)
    for how in (
        {"definition_id": stored.definition_id},
        {"definition_hash": stored.definition_hash},
        {"name": stored.name},
        {"name": stored.name, "version": 1},
    ):
        assert facade.meant_definition(web, tenant_id=uuid4(), **how) is None, how
    assert facade.meant_definition(web, tenant_id=tenant, name=stored.name, version=2) is None
    assert facade.meant_definition(web, tenant_id=tenant) is None


@pytest.mark.parametrize("tell", TELLS)
def test_so_is_what_a_run_is_told(web: psycopg.Connection[Any], tenant: UUID, tell: Tell) -> None:
    definition_id = _definition(web, tenant)
    first, second = (_submit(web, tenant, definition_id).workflow_run_id for _ in range(2))
    tell(web, tenant, first)
    with _round_trips(web) as sent:
        tell(web, tenant, second)
    assert len(sent) == 1


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "anybody's"])
def test_the_answer_and_the_rows_are_those_of_a_transaction(
    module_database: Database, tenant: UUID, ours: bool
) -> None:
    with (connect if ours else _anybodys)(module_database.web) as connection:
        definition_id = _definition(connection, tenant, deadline_seconds=60, deadline_action="cancel")
        earlier = _submit(connection, tenant, definition_id, flow=FlowOptions(partition_key="p")).workflow_run_id
        how: dict[str, Any] = {
            "inputs": {"a": [1, "zwölf", None]},
            "queue": "other",
            "priority": -3,
            "delay_seconds": 30,
            "tags": ["x", 'y"'],
            "attributes": {"customer": 42},
            "triggered_by": "ann",
            "retry_of": earlier,
        }
        alone = _submit(connection, tenant, definition_id, **how)
        with tenant_transaction(connection, tenant):
            within = _submit(connection, tenant, definition_id, **how)
    assert (alone.definition_id, alone.definition_hash, alone.name, alone.version, alone.status) == (
        (within.definition_id, within.definition_hash, within.name, within.version, within.status)
    )
    assert (alone.status, alone.joined) == ("sleeping", False)
    with psycopg.connect(module_database.superuser) as connection:
        rows = [connection.execute(ROWS, [run.workflow_run_id]).fetchone() for run in (alone, within)]
        marks = scalar(
            connection,
            "SELECT count(*) FROM highway.run_attribute WHERE workflow_run_id = %s",
            alone.workflow_run_id,
        )
    assert rows[0] == rows[1]
    assert rows[0] is not None
    assert rows[0][2]["partition_key"] == "p"
    assert marks == 3


def _anybodys(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def test_no_tenant_stays_behind(web: psycopg.Connection[Any], tenant: UUID) -> None:
    run = _submit(web, tenant, _definition(web, tenant)).workflow_run_id
    for tell in TELLS:
        assert tell(web, tenant, run)
        assert _tenant_of(web) is None
        assert scalar(web, "SELECT count(*) FROM highway.workflow_run") == 0


@pytest.mark.parametrize("tell", TELLS)
def test_another_tenants_things_are_not_there(
    web: psycopg.Connection[Any], tenant: UUID, other_tenant: UUID, tell: Tell
) -> None:
    definition_id = _definition(web, tenant)
    run = _submit(web, tenant, definition_id).workflow_run_id
    for _ in range(7):  # beyond the number of calls after which a plan serves all
        with pytest.raises(NotFoundError, match=str(definition_id)):
            _submit(web, other_tenant, definition_id)
        with pytest.raises(NotFoundError, match=str(run)):
            tell(web, other_tenant, run)
        _submit(web, tenant, definition_id)
    assert facade.get_run(web, tenant_id=tenant, workflow_run_id=run).status == "pending"


def test_a_refusal_leaves_nothing_and_the_connection_usable(web: psycopg.Connection[Any], tenant: UUID) -> None:
    definition_id = _definition(web, tenant)
    drain = facade.QueueChange(draining=True)
    facade.change_queue(web, tenant_id=tenant, name="full", change=drain, by="ann")
    with pytest.raises(StateError, match="draining"):
        _submit(web, tenant, definition_id, queue="full")
    with pytest.raises(InvalidError):
        _submit(web, tenant, definition_id, inputs={"x": float("nan")})
    run = _submit(web, tenant, definition_id).workflow_run_id
    facade.set_tenant_policy(web, tenant_id=tenant, policy=TenantPolicy(max_backlog=1), paused=False)
    with pytest.raises(BacklogFullError) as refused:
        _submit(web, tenant, definition_id)
    assert (refused.value.what, refused.value.figure, refused.value.limit) == ("backlog", 1, 1)
    assert facade.cancel(web, tenant_id=tenant, workflow_run_id=run) == "cancelled"
    with pytest.raises(StateError, match="already ended"):
        facade.cancel(web, tenant_id=tenant, workflow_run_id=run)
    assert (web.info.transaction_status.name, _tenant_of(web)) == ("IDLE", None)
    assert [found.workflow_run_id for found in _runs(web, tenant)] == [run]


def _in_a_block(connection: psycopg.Connection[Any]) -> Any:
    return connection.transaction(force_rollback=True)


@contextmanager
def _not_autocommitting(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.autocommit = False
    connection.execute("SELECT 1")
    yield
    connection.rollback()
    connection.autocommit = True


@contextmanager
def _begun_by_hand(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.execute("BEGIN")
    yield
    connection.execute("ROLLBACK")


@pytest.mark.parametrize("opened", [_in_a_block, _not_autocommitting, _begun_by_hand])
def test_an_open_transaction_keeps_its_say(
    web: psycopg.Connection[Any], tenant: UUID, opened: Callable[[psycopg.Connection[Any]], Any]
) -> None:
    definition_id = _definition(web, tenant)
    kept = _submit(web, tenant, definition_id).workflow_run_id
    with opened(web):
        _submit(web, tenant, definition_id)
        for tell in TELLS:
            assert tell(web, tenant, kept)
        with pytest.raises(StateError):
            _cancel(web, tenant, kept)  # takes back its own savepoint alone
        assert facade.get_run(web, tenant_id=tenant, workflow_run_id=kept).status == "cancelled"
    assert [found.status for found in _runs(web, tenant)] == ["pending"]


def test_within_another_tenants_transaction_the_outer_one_speaks_again(
    web: psycopg.Connection[Any], tenant: UUID, other_tenant: UUID
) -> None:
    definition_id = _definition(web, tenant)
    with tenant_transaction(web, other_tenant):
        run = _submit(web, tenant, definition_id).workflow_run_id
        for tell in TELLS:
            assert tell(web, tenant, run)
            assert _tenant_of(web) == str(other_tenant)


def test_a_connection_with_transactions_of_its_own_kind_keeps_them(web: psycopg.Connection[Any], tenant: UUID) -> None:
    definition_id = _definition(web, tenant)
    web.read_only = True
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        _submit(web, tenant, definition_id)
    web.read_only = None
    web.autocommit = False
    _submit(web, tenant, definition_id)
    assert web.info.transaction_status.name == "IDLE", "of its own, and committed"
    web.autocommit = True
    with web.pipeline():
        run = _submit(web, tenant, definition_id).workflow_run_id
    assert facade.get_run(web, tenant_id=tenant, workflow_run_id=run).status == "pending"


@pytest.mark.parametrize("beyond", [FaultPoint.SUBMIT_AFTER_INSERT, FaultPoint.SUBMIT_BEFORE_REPLY])
def test_what_happens_behind_the_statement_takes_nothing_back(
    web: psycopg.Connection[Any], tenant: UUID, beyond: FaultPoint
) -> None:
    """An answer was on its way, so whoever lost it finds the run; in a transaction of the caller's it is still the caller's to commit."""
    definition_id = _definition(web, tenant)
    reached: list[FaultPoint] = []

    def hurt(point: FaultPoint) -> None:
        reached.append(point)
        if point == beyond:
            raise ZeroDivisionError

    arm(hurt)
    try:
        with pytest.raises(ZeroDivisionError):
            _submit(web, tenant, definition_id)
        with pytest.raises(ZeroDivisionError), tenant_transaction(web, tenant):
            _submit(web, tenant, definition_id)
    finally:
        arm(None)
    order = [FaultPoint.SUBMIT_BEFORE_INSERT, FaultPoint.SUBMIT_AFTER_INSERT, FaultPoint.SUBMIT_BEFORE_REPLY]
    assert reached == order[: order.index(beyond) + 1] * 2
    assert len(_runs(web, tenant)) == 1


def test_what_stands_apart_is_stored_with_its_statement_or_not_at_all(
    web: psycopg.Connection[Any], module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    definition_id = _definition(web, tenant)
    large = {"text": "x" * APART_BYTES}
    with pytest.raises(NotFoundError):
        _submit(web, other_tenant, definition_id, inputs=large)
    run = _submit(web, tenant, definition_id, inputs=large).workflow_run_id
    assert facade.emit_event(web, tenant_id=tenant, workflow_run_id=run, name="go", payload=large)
    with pytest.raises(NotFoundError):
        facade.send_signal(web, tenant_id=other_tenant, workflow_run_id=run, name="go", payload=large)
    with psycopg.connect(module_database.superuser) as connection:
        owners = connection.execute(
            "SELECT tenant_id FROM highway.blob WHERE tenant_id = ANY (%s)", [[tenant, other_tenant]]
        ).fetchall()
    assert owners == [(tenant,)]
