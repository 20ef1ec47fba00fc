"""Fork with real workers: the new run has done what came before a step, and does the step and what follows anew."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.db.errors import InvalidError, NotFoundError, StateError
from engine.kit.ids import uuid7
from engine.model.flow import FlowLimit, FlowOptions
from engine.queue.granting import grant_slots
from tests.engine.control_steps import allow, branches, needs, shell, tries
from tests.engine.definitions import op, task, workflow
from tests.support.interleaving import problems
from tests.support.runs import scalar, states, take
from tests.support.workers import Workers

QUEUES = ("default", "elsewhere:activities")


def _traced(workers: Workers, name: str, *after: str, say: str = "", **more: Any) -> dict[str, Any]:
    return shell(name, *after, command=f"echo x >> {workers.folder}/{name}.tries; printf %s '{say or name}'", **more)


def _fork(workers: Workers, run: UUID, step: str, **how: Any) -> UUID:
    forked: UUID = workers.ask(facade.fork, run, from_step=step, by="ann", **how).workflow_run_id
    assert problems(workers.database.worker) == []
    return forked


def test_a_fork_repeats_the_step_and_what_follows_with_other_inputs_and_nothing_else(crew: Workers) -> None:
    run = crew.submit(
        workflow(
            _traced(crew, "a", say="{{inputs.word}}"),
            _traced(crew, "side"),
            _traced(crew, "b", "a", say="{{a.stdout}}-{{inputs.word}}"),
            _traced(crew, "c", "b", say="{{b.stdout}}!"),
        ),
        inputs={"word": "one"},
    )
    crew.finish(run)
    forked = _fork(crew, run, "b", inputs={"word": "two"})
    seen = crew.finish(forked)
    assert (seen.status, seen.fork_of, seen.fork_step, seen.trigger) == ("completed", run, "b", "fork")
    assert [tries(crew.folder, name) for name in ("a", "side", "b", "c")] == [1, 1, 2, 2]
    assert crew.result(forked)["c"]["stdout"] == "one-two!"  # type: ignore[index,call-overload]
    with connect(crew.database.web) as connection:
        related = facade.list_related(connection, tenant_id=crew.tenant, workflow_run_id=run)
    assert [(each.workflow_run_id, each.relation) for each in related] == [(forked, "fork")]


def test_a_signal_that_a_kept_step_has_taken_is_not_taken_again(crew: Workers) -> None:
    receive = {"function": "tools.workflow.receive_signal", "kwargs": {"name": "item", "timeout_seconds": 60}}
    # Both are there before the step begins that is forked from: what comes later belongs to the source alone.
    run = crew.submit(workflow(task("first", **receive), task("second", "first", **receive)), delay_seconds=600)
    for number in (1, 2):
        crew.ask(facade.send_signal, run, name="item", payload=number)
    crew.ask(facade.change_start, run, delay_seconds=0, by="ann")
    crew.finish(run)
    forked = _fork(crew, run, "second")
    assert crew.finish(forked).status == "completed"
    taken = crew.result(forked)
    assert [taken[name]["payload"] for name in ("first", "second")] == [1, 2]  # type: ignore[index,call-overload]


def test_finished_branches_that_came_before_are_taken_over(crew: Workers) -> None:
    run = crew.submit(
        workflow(
            op("parallel", "fork", branch_workflows=branches(x=[_traced(crew, "x")], y=[_traced(crew, "y")])),
            task("wait", "fork", function="tools.workflow.wait_for_parallel_branches", args=["{{fork}}"]),
            _traced(crew, "end", "wait", say="{{wait.x.status}}"),
        )
    )
    crew.finish(run)
    again = _fork(crew, run, "wait")
    assert crew.finish(again).status == "completed"
    assert [tries(crew.folder, name) for name in ("x", "y", "end")] == [1, 1, 2]
    anew = _fork(crew, run, "fork")
    assert crew.finish(anew).status == "completed"
    assert [tries(crew.folder, name) for name in ("x", "y", "end")] == [2, 2, 3]


def test_a_branch_that_failed_or_is_open_goes_on_in_the_fork_from_where_it_is(crew: Workers) -> None:
    run = crew.submit(
        workflow(
            op(
                "parallel",
                "fork",
                branch_workflows=branches(
                    x=[_traced(crew, "x1"), shell("x2", "x1", command=needs(crew.folder, "x2"))],
                    y=[_traced(crew, "y1"), op("wait_for_event", "hear", "y1", event_name="go")],
                ),
            ),
            op("wait_for_event", "stay", "fork", event_name="stay"),
        )
    )
    crew.wait(run, lambda _: "fork.x/x2" in crew.steps(run) and "fork.y/hear" in crew.steps(run))
    crew.wait(run, lambda _: _states(crew, run)["fork.x"] == "failed" and _states(crew, run)["fork.y"] == "sleeping")
    allow(crew.folder, "x2")
    forked = _fork(crew, run, "stay")
    for name in ("go", "stay"):
        crew.ask(facade.emit_event, forked, name=name)
    assert crew.finish(forked).status == "completed"
    assert [tries(crew.folder, name) for name in ("x1", "x2", "y1")] == [1, 2, 1]
    assert crew.run(run).is_open, "the source goes its own way"
    crew.ask(facade.kill, run)


def test_a_failed_run_is_forked_without_its_failures(crew: Workers) -> None:
    run = crew.submit(
        workflow(_traced(crew, "a"), shell("b", "a", command=needs(crew.folder, "b")), _traced(crew, "c", "b"))
    )
    assert crew.finish(run).status == "failed"
    allow(crew.folder, "b")
    forked = _fork(crew, run, "c")
    assert crew.finish(forked).status == "completed"
    assert [tries(crew.folder, name) for name in ("a", "b", "c")] == [1, 2, 1]


def test_a_fork_inside_a_loop_keeps_the_rounds_before(crew: Workers) -> None:
    body = [_traced(crew, "p"), _traced(crew, "q", "p")]
    run = crew.submit(workflow(op("foreach", "loop", items="range(3)", loop_body=body), _traced(crew, "z", "loop")))
    crew.finish(run)
    forked = _fork(crew, run, "loop[1]/q")
    assert crew.finish(forked).status == "completed"
    assert [tries(crew.folder, name) for name in ("p", "q", "z")] == [3 + 1, 3 + 2, 2]


def test_events_that_came_before_the_step_are_there_and_later_ones_are_not(crew: Workers) -> None:
    run = crew.submit(
        workflow(
            op("emit_event", "say", event_name="mine", payload={"n": 1}),
            op("wait_for_event", "first", "say", event_name="first"),
            op("wait_for_event", "second", "first", event_name="second"),
        )
    )
    for name in ("first", "second"):
        crew.wait(run, lambda seen, name=name: name in crew.steps(run) and seen.status == "sleeping")  # type: ignore[misc]
        crew.ask(facade.emit_event, run, name=name)
    crew.finish(run)
    forked = _fork(crew, run, "second")
    crew.wait(forked, lambda seen: seen.status == "sleeping")
    with connect(crew.database.web) as connection:
        events = facade.list_events(connection, tenant_id=crew.tenant, workflow_run_id=forked)
    assert [event.name for event in events] == ["mine", "first"]
    crew.ask(facade.emit_event, forked, name="second")
    assert crew.finish(forked).status == "completed"


def test_an_unknown_step_is_refused_with_the_nearest_names(workers: Workers) -> None:
    run = workers.submit(workflow(shell("prepare"), shell("deliver", "prepare")))
    with pytest.raises(InvalidError, match="there is no step 'delivr'; near to it: deliver"):
        workers.ask(facade.fork, run, from_step="delivr")
    with pytest.raises(NotFoundError):
        workers.ask(facade.fork, uuid7(), from_step="deliver")


def test_what_was_undone_is_not_kept_by_a_fork(crew: Workers) -> None:
    undo = {"function": "tools.shell.run", "args": [f"echo x >> {crew.folder}/undone.tries"]}
    bought = _traced(crew, "buy", "look", compensation=undo)
    run = crew.submit(workflow(_traced(crew, "look"), bought, shell("ship", "buy", command=needs(crew.folder, "ship"))))
    assert crew.finish(run).status == "compensated"
    with pytest.raises(
        StateError, match="has undone, or is about to undo, what it did in buy: fork it from there or from before"
    ):
        crew.ask(facade.fork, run, from_step="ship")
    allow(crew.folder, "ship")
    forked = _fork(crew, run, "buy")
    assert crew.finish(forked).status == "completed"
    assert [tries(crew.folder, name) for name in ("look", "buy", "undone")] == [1, 2, 1]


def test_a_fork_undoes_only_what_it_did_itself(crew: Workers) -> None:
    undo = {"function": "tools.shell.run", "args": [f"echo {{{{workflow_run_id}}}} >> {crew.folder}/undone.tries"]}
    steps = [_traced(crew, name, *after, compensation=undo) for name, *after in (["a"], ["b", "a"])]
    ship = shell("ship", "b", command="[ {{inputs.good}} = yes ]")
    run = crew.submit(workflow(*steps, ship), inputs={"good": "yes"})
    assert crew.finish(run).status == "completed"
    forked = _fork(crew, run, "b", inputs={"good": "no"})
    assert crew.finish(forked).status == "compensated"
    assert (crew.folder / "undone.tries").read_text().split() == [str(forked)]


def test_a_fork_whose_start_is_moved_keeps_what_it_has_taken_over_until_then(workers: Workers) -> None:
    """Found by program 934492 of R2: an activity that came along was at work before the fork had started."""
    run = _with_open_work(workers)
    forked = _fork(workers, run, "stay")
    workers.ask(facade.change_start, forked, delay_seconds=3600)
    assert take(workers.database.worker, queues=QUEUES) == []
    assert set(_states(workers, forked).values()) == {"sleeping"}
    workers.ask(facade.change_start, forked, delay_seconds=0)
    assert {task.key for task in take(workers.database.worker, queues=QUEUES)} == {"", "act", "fork.x"}
    assert problems(workers.database.worker, grace_seconds=60) == []


def test_a_fork_that_is_at_work_on_what_it_has_taken_over_has_started(workers: Workers) -> None:
    forked = _fork(workers, _with_open_work(workers), "stay")
    taken = take(workers.database.worker, queues=QUEUES[1:])
    assert [task.key for task in taken] == ["act"]
    with pytest.raises(StateError, match="already started"):
        workers.ask(facade.change_start, forked, delay_seconds=3600)


def test_what_a_fork_has_taken_over_waits_with_it_for_the_limit_of_the_run(workers: Workers) -> None:
    run = _with_open_work(workers, flow=FlowOptions(limits=(FlowLimit("concurrency", "one", 1),)))
    forked = _fork(workers, run, "stay")
    assert take(workers.database.worker, queues=QUEUES) == [], "its source has the only slot"
    assert set(_states(workers, forked).values()) == {"sleeping"}
    with connect(workers.database.worker) as connection:
        reasons = facade.why_waiting(connection, tenant_id=workers.tenant, run=workers.run(forked))
        assert [reason.code for reason in reasons] == ["limit"]
        workers.ask(facade.pause, forked)
        workers.ask(facade.resume, forked)
        workers.ask(facade.change_start, forked, delay_seconds=0)
        limits = "SELECT count(start_by) FROM highway.activity JOIN highway.task USING (tenant_id, task_id) WHERE workflow_run_id = %s"
        assert scalar(connection, limits, forked) == 0, "its limits count from its start"
        workers.ask(facade.kill, run)
        grant_slots(connection)
    assert [task.key for task in take(workers.database.worker, queues=QUEUES)] == [""]
    assert {task.key for task in take(workers.database.worker, queues=QUEUES)} == {"act", "fork.x"}
    assert problems(workers.database.worker, grace_seconds=60) == []


def _with_open_work(workers: Workers, **how: Any) -> UUID:
    """A run whose branch and whose activity are under way, and that has no worker any more."""
    first = workers.start()
    run = workers.submit(
        workflow(
            op(
                "activity",
                "act",
                function="tools.shell.run",
                args=["sleep 60"],
                queue="elsewhere",
                schedule_to_start_timeout=600,
            ),
            op("parallel", "fork", branch_workflows=branches(x=[op("wait_for_event", "hear", event_name="go")])),
            op("wait_for_event", "stay", "fork", event_name="stay"),
        ),
        **how,
    )
    workers.wait(run, lambda _: "fork.x/hear" in workers.steps(run) and "stay" in workers.steps(run))
    workers.kill(first)
    workers.ask(facade.pause, run)
    return run


def test_a_queue_that_is_draining_takes_no_forks(workers: Workers) -> None:
    run = workers.submit(workflow(shell("a")))
    with connect(workers.database.web) as connection:
        change = facade.QueueChange(draining=True)
        facade.change_queue(connection, tenant_id=workers.tenant, name="default", change=change, by="ann")
    with pytest.raises(StateError, match="is draining"):
        workers.ask(facade.fork, run, from_step="a")


def test_a_fork_survives_a_worker_that_is_killed_in_the_middle_of_it(workers: Workers) -> None:
    first = workers.start()
    run = workers.submit(workflow(_traced(workers, "a"), shell("b", "a", command=needs(workers.folder, "b"))))
    workers.finish(run)
    workers.kill(first)
    forked = _fork(workers, run, "b")
    allow(workers.folder, "b")
    workers.start()
    assert workers.finish(forked).status == "completed"
    assert tries(workers.folder, "a") == 1


def _states(workers: Workers, run: UUID) -> dict[str, str]:
    with connect(workers.database.worker) as connection:
        return states(connection, run)
