"""`tools.python.run`: functions of stored code, durable as any other, and a run keeps the code that it began with."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError, StateError
from engine.model.json import JsonObject
from tests.engine.definitions import op, task, workflow
from tests.support.archives import zipped
from tests.support.interleaving import Second
from tests.support.runs import scalar
from tests.support.workers import Workers

TASKS = """
from highway_durable import StepFailed
from .helping import double

def work(ctx, number, *more, name="nobody"):
    ctx.set_variable("seen", number)
    doubled = ctx.step("double", double, number)
    ctx.sleep(0.05)
    try:
        ctx.step("fails", lambda: 1 / 0)
    except StepFailed as error:
        failed = error.type
    return {"doubled": doubled, "more": list(more), "name": name, "failed": failed, "seen": ctx.get_variable("seen")}

def broken(ctx):
    raise ValueError("broken on purpose")
"""
PACKAGE = zipped({"pkg/__init__.py": "", "pkg/helping.py": "def double(n): return 2 * n\n", "pkg/tasks.py": TASKS})


def stored(workers: Workers, content: bytes = PACKAGE) -> str:
    with connect(workers.database.web) as connection:
        return facade.store_artifact(connection, tenant_id=workers.tenant, content=content, by="ann")[0]


def stored_module(workers: Workers, name: str, source: str) -> int:
    with connect(workers.database.web) as connection:
        content = source.encode()
        return facade.store_module(connection, tenant_id=workers.tenant, name=name, content=content)[1]


def calling(*args: Any, **kwargs: Any) -> JsonObject:
    return workflow(task("work", function="tools.python.run", args=list(args), kwargs=kwargs))


def ended(workers: Workers, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    run = workers.finish(workers.submit(calling(*args, **kwargs)), seconds=60)
    return run, workers.result(run.workflow_run_id).get("work")


def test_a_function_of_an_artifact_gets_its_context_and_its_arguments(crew: Workers) -> None:
    artifact = stored(crew)
    run, result = ended(crew, "pkg.tasks.work", 21, "x", artifact_id=artifact, name="ann")
    assert run.status == "completed", run.error
    expected = {"doubled": 42, "more": ["x"], "name": "ann", "failed": "ZeroDivisionError", "seen": 21}
    assert result == expected
    (used,) = crew.ask(facade.list_run_code, run.workflow_run_id)
    assert (used.reference, used.sha256, used.version) == (f"artifact:{artifact}", artifact, None)
    assert {"work.double", "work.sleep", "work.fails@1"} <= crew.steps(run.workflow_run_id).keys()


def test_every_argument_can_be_named(crew: Workers) -> None:
    given = {"function": "pkg.tasks:work", "args": [1, "y"], "kwargs": {"name": "bob"}, "artifact_id": stored(crew)}
    run, result = ended(crew, **given)
    assert run.status == "completed", run.error
    assert (result["doubled"], result["more"], result["name"]) == (2, ["y"], "bob")


def test_a_run_keeps_the_version_of_a_module_that_it_began_with(crew: Workers) -> None:
    name = f"m{uuid4().hex[:8]}"
    assert stored_module(crew, name, "def say(ctx): return 'first'") == 1
    assert stored_module(crew, name, "def say(ctx): return 'first'") == 1, "the same again is no new version"
    call = {"function": "tools.python.run", "args": [f"{name}.say"]}
    waiting = workflow(
        op("wait_for_event", "go", event_name="go", timeout_seconds=60),
        task("later", "go", **call),
        task("named", "later", **call, kwargs={"module_version": 2}),
    )
    begun = crew.submit(waiting)
    crew.wait(begun, lambda run: run.status == "sleeping")
    assert stored_module(crew, name, "def say(ctx): return 'second'") == 2
    _, newest = ended(crew, f"{name}.say")
    with connect(crew.database.web) as connection:
        facade.emit_event(connection, tenant_id=crew.tenant, workflow_run_id=begun, name="go")
    assert crew.finish(begun).status == "completed"
    result = crew.result(begun)
    assert (newest, result["later"], result["named"]) == ("second", "first", "second")
    used = {one.reference: one.version for one in crew.ask(facade.list_run_code, begun)}
    assert used == {f"module:{name}": 1, f"module:{name}@2": 2}


WRONG = {
    ("pkg.tasks.nothing",): ("NoFunction", "the module pkg.tasks has no function 'nothing'"),
    ("pkg.nothing.work",): ("NoFunction", "the code has no module 'pkg.nothing'"),
    ("pkg.tasks.broken",): ("ValueError", "broken on purpose (line 16)"),
    ("pkg.tasks.work",): ("TypeError", "missing 1 required positional argument: 'number'"),
    ("work",): ("ToolInputError", "give module.function"),
    ("pkg.tasks.work", 1): ("NoCode", "there is no artifact 0000"),
}


def test_what_goes_wrong_is_told_in_words(crew: Workers) -> None:
    artifact = stored(crew)
    runs = {args: crew.submit(calling(*args, artifact_id="0" * 64 if len(args) == 2 else artifact)) for args in WRONG}
    for args, run_id in runs.items():
        run = crew.finish(run_id, seconds=60)
        assert run.status == "failed"
        assert run.error is not None
        assert (run.error["type"], WRONG[args][1] in str(run.error["message"])) == (WRONG[args][0], True), run.error


def test_stored_code_is_as_closed_in_as_any_other(crew: Workers) -> None:
    reach = """
import os, socket
TRIES = {
    "net": lambda: socket.create_connection(("127.0.0.1", 1)),
    "write": lambda: open("/usr/x", "w"),
    "home": lambda: os.listdir("/home"),
}
def out(ctx):
    found = []
    for name, do in TRIES.items():
        try:
            do()
        except Exception:
            found.append(name)
    return [sorted(found), os.getuid(), sorted(os.environ)]
"""
    run, result = ended(crew, "evil.out", artifact_id=stored(crew, zipped({"evil.py": reach})))
    assert run.status == "completed", run.error
    assert result[:2] == [["home", "net", "write"], 65534]
    assert not [name for name in result[2] if "HIGHWAY" in name and name != "HIGHWAY_CHANNEL"]


def test_another_tenants_code_is_not_there(crew: Workers) -> None:
    artifact, stranger = stored(crew), uuid4()
    with connect(crew.database.web) as connection:
        assert not facade.has_artifact(connection, tenant_id=stranger, sha256=artifact)
        with pytest.raises(NotFoundError):
            facade.get_artifact(connection, tenant_id=stranger, sha256=artifact)
        with pytest.raises(NotFoundError):
            facade.delete_artifact(connection, tenant_id=stranger, sha256=artifact)
    theirs = Workers(crew.database, stranger, crew.logs, crew.folder, crew.processes)
    run = theirs.finish(theirs.submit(calling("pkg.tasks.work", 1, artifact_id=artifact)))
    assert run.error is not None
    assert run.error["type"] == "NoCode"


def test_code_that_is_needed_is_not_deleted(crew: Workers) -> None:
    artifact = stored(
        crew, zipped({"kept.py": f"# {uuid4()}\ndef wait(ctx): return ctx.wait_for_event('go', timeout=60)"})
    )
    run = crew.submit(calling("kept.wait", artifact_id=artifact))
    crew.wait(run, lambda run: run.status == "sleeping")
    with connect(crew.database.web) as connection:
        with pytest.raises(StateError, match=f"workflow run {run} uses it"):
            facade.delete_artifact(connection, tenant_id=crew.tenant, sha256=artifact)
        facade.emit_event(connection, tenant_id=crew.tenant, workflow_run_id=run, name="go", payload=7)
        crew.finish(run)
        facade.delete_artifact(connection, tenant_id=crew.tenant, sha256=artifact)
        assert not facade.has_artifact(connection, tenant_id=crew.tenant, sha256=artifact)


def test_the_code_of_a_module_stays_until_the_module_is_forgotten(crew: Workers) -> None:
    with connect(crew.database.web) as connection:
        which: dict[str, UUID] = {"tenant_id": crew.tenant}
        sha256, _ = facade.store_module(connection, **which, name="stays", content=b"def f(ctx): return 1")
        with pytest.raises(StateError, match="version 1 of the module stays"):
            facade.delete_artifact(connection, **which, sha256=sha256)
        assert [one.version for one in facade.list_modules(connection, **which, name="stays")] == [1]
        assert facade.delete_module(connection, **which, name="stays") == 1
        facade.delete_artifact(connection, **which, sha256=sha256)
        for name, content in {"1x": b"x", "stays": b"\xff\xfe", "x": PACKAGE, "empty": b" "}.items():
            with pytest.raises(InvalidError):
                facade.store_module(connection, **which, name=name, content=content)


def test_code_that_is_being_chosen_is_not_deleted_under_it(crew: Workers) -> None:
    """1. A step chooses its code, not committed. 2. Somebody deletes the artifact and waits. 3. The choice is committed: the artifact is needed."""
    artifact = stored(crew, zipped({"held.py": f"# {uuid4()}"}))
    run = crew.submit(workflow(op("wait_for_event", "go", event_name="go", timeout_seconds=60)))
    crew.wait(run, lambda run: run.status == "sleeping")

    def delete(connection: Any) -> None:
        facade.delete_artifact(connection, tenant_id=crew.tenant, sha256=artifact)

    with connect(crew.database.worker) as chooser, connect(crew.database.worker) as observer:
        with chooser.transaction():
            chooser.execute("SELECT highway.code_of_run(%s, %s, %s, NULL, NULL)", [crew.tenant, run, artifact])
            second = Second(crew.database.web, delete)
            second.wait_until_blocked(observer, by=chooser)
        assert isinstance(second.result(), StateError)
    crew.ask(facade.cancel, run)
    crew.finish(run)


def test_uploads_of_one_module_take_turns(crew: Workers) -> None:
    """1. An upload, not committed. 2. Another one of the same name waits. 3. It becomes the next version."""

    def store(connection: Any, source: bytes) -> int:
        return facade.store_module(connection, tenant_id=crew.tenant, name="turns", content=source)[1]

    with connect(crew.database.web) as first, connect(crew.database.worker) as observer:
        with first.transaction():
            assert store(first, b"def f(ctx): return 1") == 1
            second = Second(crew.database.web, lambda connection: store(connection, b"def f(ctx): return 2"))
            second.wait_until_blocked(observer, by=first)
        assert second.result() == 2


def test_a_run_that_is_forgotten_needs_no_code_any_more(crew: Workers) -> None:
    artifact = stored(crew, zipped({"gone.py": f"# {uuid4()}\ndef f(ctx): return 1"}))
    run, _ = ended(crew, "gone.f", artifact_id=artifact)
    crew.ask(facade.purge, run.workflow_run_id)
    with connect(crew.database.web) as connection:
        facade.delete_artifact(connection, tenant_id=crew.tenant, sha256=artifact)
    with connect(crew.database.worker) as connection:
        used = "SELECT count(*) FROM highway.run_code WHERE workflow_run_id = %s"
        assert scalar(connection, used, run.workflow_run_id) == 0


def test_a_module_from_before_is_found_by_runs_that_are_older_than_it(crew: Workers) -> None:
    """A run that was made before there was any version takes the first: somebody has uploaded what it was waiting for."""
    later = workflow(
        op("wait_for_event", "go", event_name="go", timeout_seconds=60),
        task("call", "go", function="tools.python.run", args=["afterwards.f"]),
    )
    run = crew.submit(later)
    crew.wait(run, lambda run: run.status == "sleeping")
    for number in (1, 2):
        stored_module(crew, "afterwards", f"def f(ctx): return {number}")
    with connect(crew.database.web) as connection:
        facade.emit_event(connection, tenant_id=crew.tenant, workflow_run_id=run, name="go")
    crew.finish(run)
    assert crew.result(run)["call"] == 1
