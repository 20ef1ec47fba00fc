"""Restart and fork of what held a lock: it is taken again before anything goes on that was behind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from tests.engine.control_steps import allow, gate, needs, shell, tries
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.workers import Workers


def _take(name: str = "take", *after: str) -> dict[str, Any]:
    return task(name, *after, function="tools.lock.acquire", args=["door"])


def _let_go(*after: str) -> dict[str, Any]:
    return task("let_go", *after, function="tools.lock.release", args=["door"])


def _holder(workers: Workers) -> dict[str, Any]:
    """Has the lock until ``held.go`` is there."""
    return workflow(
        _take(), shell("held", "take", command=gate(workers.folder, "held")), _let_go("held"), name="holder"
    )


def _waits_for_the_lock(workers: Workers, run: UUID) -> bool:
    with connect(workers.database.web) as connection:
        reasons = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(run))
    return any(each.code == "lock" for each in reasons)


def _fencing(workers: Workers, run: UUID, step: str = "take") -> int:
    with connect(workers.database.web) as connection:
        steps = facade.list_steps(connection, tenant_id=workers.tenant, workflow_run_id=run)
    (found,) = [each.result["fencing"] for each in steps if each.key == step]  # type: ignore[index,call-overload]
    return int(found)  # type: ignore[call-overload]


def _restart_beside_a_holder(workers: Workers, definition: dict[str, Any], step: str = "take") -> UUID:
    """A run that failed at ``work`` under the lock is restarted while another one has the lock; it waits for that, and completes."""
    run = workers.submit(definition)
    assert workers.finish(run).status == "failed"
    tried, before = tries(workers.folder, "work"), _fencing(workers, run, step)
    other = workers.submit(_holder(workers))
    workers.wait_for(workers.folder / "held.began")
    allow(workers.folder, "work")
    workers.ask(facade.restart, run)
    workers.wait(run, lambda _: _waits_for_the_lock(workers, run))
    assert tries(workers.folder, "work") == tried
    allow(workers.folder, "held")
    assert workers.finish(run).status == workers.finish(other).status == "completed"
    assert tries(workers.folder, "work") == tried + 1
    assert _fencing(workers, run, step) > _fencing(workers, other) > before
    assert problems(workers.database.worker) == []
    return run


def test_a_run_that_failed_under_a_lock_takes_it_again_before_it_goes_on(crew: Workers) -> None:
    work = shell("work", "before", command=needs(crew.folder, "work"))
    before = shell("before", "take", command=f"echo x >> {crew.folder}/before.tries")
    _restart_beside_a_holder(crew, workflow(_take(), before, work, _let_go("work")))
    assert tries(crew.folder, "before") == 1  # what was done under the lock is not done again


def test_a_lock_that_a_loop_has_left_behind_is_taken_again_in_its_round(crew: Workers) -> None:
    loop = op("foreach", "loop", items="range(1)", loop_body=[_take()])
    work = shell("work", "loop", command=needs(crew.folder, "work"))
    _restart_beside_a_holder(crew, workflow(loop, work, _let_go("work")), "loop[0]/take")


def test_a_lock_that_was_let_go_of_is_not_taken_again(crew: Workers) -> None:
    work = shell("work", "let_go", command=needs(crew.folder, "work"))
    run = crew.submit(workflow(_take(), _let_go("take"), work))
    assert crew.finish(run).status == "failed"
    fencing = _fencing(crew, run)
    allow(crew.folder, "work")
    crew.ask(facade.restart, run)
    assert crew.finish(run).status == "completed"
    assert _fencing(crew, run) == fencing


def test_a_fork_of_a_run_that_holds_a_lock_waits_until_it_is_free(crew: Workers) -> None:
    work = shell("work", "held", command=f"echo x >> {crew.folder}/work.tries")
    held = shell("held", "take", command=gate(crew.folder, "held"))
    source = crew.submit(workflow(_take(), shell("before", "take"), held, work, _let_go("work")))
    crew.wait_for(crew.folder / "held.began")
    forked = crew.ask(facade.fork, source, from_step="held").workflow_run_id
    crew.wait(forked, lambda _: _waits_for_the_lock(crew, forked))
    allow(crew.folder, "held")
    assert crew.finish(source).status == crew.finish(forked).status == "completed"
    assert _fencing(crew, forked) > _fencing(crew, source)


def test_a_fork_from_between_taking_and_letting_go_takes_the_lock_for_itself(crew: Workers) -> None:
    source = crew.submit(workflow(_take(), shell("work", "take"), _let_go("work")))
    assert crew.finish(source).status == "completed"
    forked = crew.ask(facade.fork, source, from_step="work").workflow_run_id
    assert crew.finish(forked).status == "completed"
    assert _fencing(crew, forked) > _fencing(crew, source)
