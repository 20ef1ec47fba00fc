"""Large payloads stand apart and come back whole; what cannot be stored fails its step with a clear error, and nothing else."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError
from engine.kit.json_text import NotJsonError
from engine.model.commands import Record
from engine.model.json import Json
from engine.queue.payloads import APART_BYTES, MAX_BYTES, Payloads, references, unpack
from engine.queue.writes import Finished, RecordWrite, TaskWrites
from engine.services.retention import unreferenced_blobs
from tests.engine.definitions import op, task, workflow
from tests.support.databases import Database
from tests.support.runs import scalar, start, take, write
from tests.support.workers import Workers

LARGE = "x" * (APART_BYTES + 1)
TENANT, RUN = uuid4(), uuid4()
REFERENCE_LIKE: Json = {"$blob": {"sha256": "a" * 64, "bytes": 1}}


def _code(source: str, *after: str, task_id: str = "make", **more: Any) -> dict[str, Any]:
    return task(task_id, *after, function="tools.code.exec", args=[source], **more)


def _large_everywhere() -> dict[str, Any]:
    """A large value as result, variable, event, result of a branch, and input; steps behind it say how long each is."""
    make = f"result = {{'text': 'x' * {len(LARGE)}}}"
    inner = workflow(_code(make, task_id="inner")) | {"name": "b"}
    paths = {
        "of_step": "{{make.text}}",
        "of_variable": "{{kept}}",
        "of_event": "{{hear.all}}",
        "of_branch": "{{join.b.result.inner.text}}",
        "of_input": "{{inputs.text}}",
    }
    return workflow(
        _code(make),
        task("keep", "make", function="tools.memory.set", args=["kept", "{{make.text}}"]),
        op("emit_event", "tell", "keep", event_name="big", payload={"all": "{{make.text}}"}),
        op("wait_for_event", "hear", "tell", event_name="big", timeout_seconds=20),
        op("wait", "nap", "hear", wait_for=0.05),
        op("parallel", "fork", "nap", branch_workflows={"b": inner}),
        task("join", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"]),
        *(
            _code("result = len(given)", "join", task_id=name, kwargs={"inputs": {"given": path}})
            for name, path in paths.items()
        ),
    )


def test_large_results_variables_branches_and_events_come_back_whole(workers: Workers) -> None:
    workers.start()
    run = workers.submit(_large_everywhere(), inputs={"text": LARGE})
    assert workers.finish(run, seconds=60).status == "completed", workers.run(run).error
    result = workers.result(run)
    assert {name: value for name, value in result.items() if name.startswith("of_")} == dict.fromkeys(
        ("of_step", "of_variable", "of_event", "of_branch", "of_input"), len(LARGE)
    )
    with connect(workers.database.web) as connection:
        (digest,) = references(result["make"])
        which = {"tenant_id": workers.tenant, "workflow_run_id": run}
        assert json.loads(facade.get_payload(connection, **which, sha256=digest)) == {"text": LARGE}
        with pytest.raises(NotFoundError):
            facade.get_payload(connection, tenant_id=workers.tenant, workflow_run_id=uuid4(), sha256=digest)
        with pytest.raises(NotFoundError):
            facade.get_payload(connection, tenant_id=uuid4(), workflow_run_id=run, sha256=digest)
        again = facade.retry(connection, **which)
    assert workers.finish(again.workflow_run_id, seconds=60).status == "completed"
    with connect(workers.database.worker) as connection:
        rows = scalar(connection, "SELECT max(length(result::text)) FROM highway.checkpoint")
        assert rows < APART_BYTES


NOT_STORABLE = {
    "result = float('nan')": "not json",
    "result = {'a': [float('inf')]}": "not json",
    "result = {1, 2}": "set",
    "result = []\nfor _ in range(5000): result = [result]": "",
    "result = 'a\\0b'": "nul",
    f"result = 'x' * {MAX_BYTES + 1}": "",
}


def test_what_cannot_be_stored_fails_its_step_and_not_the_worker(workers: Workers) -> None:
    workers.start()
    runs = {source: workers.submit(workflow(_code(source))) for source in NOT_STORABLE}
    for source, run in runs.items():
        ended = workers.finish(run)
        assert ended.error is not None, source
        assert (ended.status, ended.error["step"]) == ("failed", "make")
        assert NOT_STORABLE[source] in str(ended.error["message"]).lower()
    assert workers.finish(workers.submit(workflow(_code("result = 1"), name="fine"))).status == "completed"


@pytest.mark.parametrize("value", [REFERENCE_LIKE, {"a": REFERENCE_LIKE}, {"$blob": 1}])
def test_a_value_that_looks_like_a_reference_is_never_taken_for_one(
    module_database: Database, tenant: UUID, value: Json
) -> None:
    payloads = Payloads()
    text = json.loads(payloads.text(tenant, None, value))
    (digest,) = references(text)
    with connect(module_database.worker) as connection, connection.transaction():
        payloads.store(connection)
        assert unpack(tenant, text, {(tenant, digest): value}) == value
    with connect(module_database.worker) as connection:
        run = start(connection, tenant, inputs=value)
        assert facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).inputs == text


def test_one_value_has_a_limit_and_says_so(module_database: Database, tenant: UUID) -> None:
    with pytest.raises(NotJsonError, match="the limit of one value is 16,777,216"):
        Payloads().text(TENANT, RUN, "x" * MAX_BYTES)
    with connect(module_database.web) as connection, pytest.raises(InvalidError, match="the limit"):
        start(connection, tenant, inputs={"x": "x" * MAX_BYTES})


def test_small_values_stand_in_their_rows() -> None:
    payloads = Payloads()
    assert payloads.text(TENANT, RUN, {"a": "ä" * 1000}) == json.dumps(
        {"a": "ä" * 1000}, ensure_ascii=False, separators=(",", ":")
    )
    assert not any(references(json.loads(payloads.text(TENANT, RUN, ["x" * (APART_BYTES - 10)]))))


def test_the_same_content_is_stored_once_and_goes_with_its_last_run(database: Database, tenant: UUID) -> None:
    with connect(database.worker) as connection:
        runs = [start(connection, tenant, inputs={"x": LARGE}) for _ in range(2)]
        assert scalar(connection, "SELECT count(*) FROM highway.blob") == 1
        for left, run in zip((1, 0), runs, strict=True):
            connection.execute("SELECT highway.forget_runs(%s, %s)", [tenant, [run]])
            sum(unreferenced_blobs(connection))
            assert scalar(connection, "SELECT count(*) FROM highway.blob") == left


def test_a_fork_keeps_the_large_values_that_it_has_from_a_source_that_is_purged(
    database: Database, tenant: UUID
) -> None:
    with connect(database.worker) as connection:
        run = start(connection, tenant, workflow(task("a"), task("b", "a")))
        (held,) = take(database.worker)
        made = RecordWrite(Record("a", "task", "succeeded", result={"text": LARGE}), 0.01)
        write(database.worker, TaskWrites(held, records=[made], exit=Finished("completed")))
        forked = facade.fork(connection, tenant_id=tenant, workflow_run_id=run, from_step="b").workflow_run_id
        facade.purge(connection, tenant_id=tenant, workflow_run_id=run)
        sum(unreferenced_blobs(connection))
        which = {"tenant_id": tenant, "workflow_run_id": forked}
        stored = "SELECT result FROM highway.checkpoint WHERE workflow_run_id = %s AND step_key = 'a'"
        (digest,) = references(scalar(connection, stored, forked))
        assert json.loads(facade.get_payload(connection, **which, sha256=digest)) == {"text": LARGE}
        facade.kill(connection, **which)
        facade.purge(connection, **which)
        sum(unreferenced_blobs(connection))
        assert scalar(connection, "SELECT count(*) FROM highway.blob") == 0
