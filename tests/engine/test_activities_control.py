"""Activities that are cancelled, and of runs that are restarted, forked and paused."""

from __future__ import annotations

import pytest

from engine import facade
from engine.db.connection import connect
from tests.support.activities import BEATING, activity_of, wait_for_activity, with_activity
from tests.support.activity_scene import LATE, Scene, blocked
from tests.support.workers import Workers


def test_the_limits_of_a_restarted_activity_count_from_the_restart(workers: Workers) -> None:
    workers.start()
    marker = workers.folder / "repaired"
    run = workers.submit(with_activity("tools.shell.run", f"[ -e {marker} ] || sleep 60", schedule_to_close_timeout=3))
    assert workers.finish(run).status == "failed"
    marker.touch()
    with connect(workers.database.web) as connection:
        facade.restart(connection, tenant_id=workers.tenant, workflow_run_id=run)
    assert workers.finish(run).status == "completed"


def test_an_activity_of_a_forked_run_keeps_its_plan(workers: Workers) -> None:
    workers.start()
    given = {"duration_seconds": 1, "interval_seconds": 0.1}
    definition = with_activity(
        BEATING, kwargs=given, queue="nobodys", heartbeat_timeout=9, schedule_to_start_timeout=3600
    )
    run = workers.submit(definition)
    source = wait_for_activity(workers, run, lambda seen: seen.state == "pending")
    workers.wait(run, lambda seen: seen.status == "sleeping")
    with connect(workers.database.web) as connection:
        forked = facade.fork(connection, tenant_id=workers.tenant, workflow_run_id=run, from_step="hear")
    copy = activity_of(workers, forked.workflow_run_id)
    assert copy is not None
    assert copy.task_id != source.task_id
    assert (copy.queue, copy.function, copy.heartbeat_seconds) == ("nobodys:activities", BEATING, 9)
    assert copy.start_by is not None
    assert source.start_by is not None
    assert copy.start_by > source.start_by
    workers.start(queues=["nobodys"])
    assert workers.finish(forked.workflow_run_id).status == "completed"
    assert workers.finish(run).status == "completed"


def test_pause_then_timeout_the_attempt_is_spent_and_the_activity_pauses(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        facade.pause(scene.first, tenant_id=scene.tenant, workflow_run_id=scene.run)
        assert scene.time_out() == [], "it passes by"
    assert scene.time_out() == [scene.activity_id]
    assert scene.state() == "paused"
    facade.resume(scene.observer, tenant_id=scene.tenant, workflow_run_id=scene.run)
    assert scene.state() == "pending"


def test_timeout_then_pause_it_pauses_at_once(scene: Scene) -> None:
    scene.begin(LATE)

    def pause(connection: object) -> object:
        return facade.pause(connection, tenant_id=scene.tenant, workflow_run_id=scene.run)  # type: ignore[arg-type]

    with blocked(scene, pause):
        scene.time_out(scene.first)
    assert scene.state() == "paused"


def test_kill_then_timeout_there_is_nothing_to_take(scene: Scene) -> None:
    scene.begin(LATE)
    with scene.first.transaction():
        facade.kill(scene.first, tenant_id=scene.tenant, workflow_run_id=scene.run)
        assert scene.time_out() == []
    assert scene.time_out() == []
    assert scene.state() == "cancelled"


@pytest.mark.parametrize("function", ["tools.long_running.execute_no_manual_heartbeat", BEATING])
def test_a_cancel_that_only_the_heartbeat_hears_of_is_no_failure_of_the_attempt(
    workers: Workers, function: str
) -> None:
    """The body that was stopped says so to the loop, which has to know by then why."""
    workers.start(listens=False)
    run = workers.submit(with_activity(function, 60, wait=False))
    running = wait_for_activity(workers, run, lambda seen: seen.state == "running")
    with connect(workers.database.web) as connection:
        facade.cancel_activity(connection, tenant_id=workers.tenant, activity_id=running.task_id)
    ended = wait_for_activity(workers, run, lambda seen: seen.finished_at)
    assert ended.state == "cancelled", ended.error
    assert [key for key, step in workers.steps(run).items() if step.status == "failed"] == []
