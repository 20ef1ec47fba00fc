"""A durable loop by a cron expression: each tick once, also when workers die, and missed ones as they were meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import facade
from engine.db.connection import connect
from engine.durable.ledger import Ledger
from engine.model.facts import Recorded
from engine.model.json import Json, JsonObject
from engine.model.notes import Note
from engine.model.requests import CallAgain, RunChild, SleepUntil
from engine.model.views import RunFilter
from engine.tools.errors import ToolInputError
from tests.engine.definitions import task, workflow
from tests.engine.tool_calls import call, context
from tests.support.workers import Workers

BEGAN = datetime(2026, 3, 28, 12, tzinfo=UTC)


class Notes(Ledger):
    """A ledger of one step in memory, with a clock that the test sets: the rules of the loop without an engine."""

    def __init__(self) -> None:
        self.kept: dict[str, Recorded] = {}
        self.at = BEGAN
        self.events: list[tuple[str, Json]] = []

    @property
    def noted(self) -> dict[str, Recorded]:
        return dict(self.kept)

    def note(self, note: Note) -> None:
        self.kept[note.name] = Recorded(note.name, note.operator, "succeeded", note.result)
        self.events += note.events

    def now(self) -> datetime:
        return self.at


def walk(ledger: Notes, late: dict[int, timedelta] | None = None, **given: Any) -> tuple[list[str], Any]:
    """Call the loop to its end as the engine does: when each tick was due, and the result. ``late``: how long after its time a tick comes."""
    due: list[str] = []
    while True:
        answer = call("tools.cron.durable_cron", ctx=context(ledger=ledger), **given)
        if not isinstance(answer, CallAgain):
            return due, answer
        if isinstance(answer.wait, SleepUntil):
            due.append(answer.wait.until)
            ledger.at = datetime.fromisoformat(answer.wait.until) + (late or {}).get(len(due), timedelta())
        assert isinstance(answer.wait, SleepUntil | RunChild)
        ledger.note(Note(answer.method, answer.name))


def test_ticks_come_by_the_zones_clock_until_a_count() -> None:
    due, result = walk(Notes(), cron="30 2 * * *", timezone="Europe/Berlin", max_ticks=3)
    assert due == ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00", "2026-03-31T00:30:00+00:00"]
    assert result == {"ticks": 3, "failed": 0, "first": due[0], "last": due[2], "is_full": True}


def test_it_ends_at_a_time_and_tells_each_tick() -> None:
    ledger = Notes()
    due, result = walk(ledger, cron="@hourly", until="2026-03-28T15:30:00Z", event_name="hour")
    assert (len(due), result["is_full"]) == (3, False)
    assert ledger.events == [(f"hour:{n}", {"tick": n, "scheduled_at": at}) for n, at in enumerate(due, 1)]
    assert walk(Notes(), cron="@hourly", until="2026-03-28T12:30:00Z") == (
        [],
        result | {"ticks": 0, "first": None, "last": None},
    )


def test_missed_ticks_are_passed_over_or_come_afterwards() -> None:
    late = {1: timedelta(hours=2, minutes=30)}
    passed_over, _ = walk(Notes(), late, cron="@hourly", max_ticks=2)
    caught_up, _ = walk(Notes(), late, cron="@hourly", max_ticks=3, catchup=True)
    assert [at[11:16] for at in passed_over] == ["13:00", "16:00"]
    assert [at[11:16] for at in caught_up] == ["13:00", "14:00", "15:00"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cron": "61 * * * *", "max_ticks": 1}, "cron"),
        ({"cron": "0 0 30 2 *", "max_ticks": 1}, "Bad day-of-month"),
        ({"cron": "@daily", "timezone": "Europe/Berlim", "max_ticks": 1}, "did you mean 'Europe/Berlin'"),
        ({"cron": "@daily"}, "a loop has an end"),
        ({"cron": "@daily", "until": "2026-01-01T00:00:00"}, "timezone"),
        ({"cron": "@daily", "max_ticks": 100_000}, "less than or equal to 1000"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolInputError, match=words):
        call("tools.cron.durable_cron", ctx=context(ledger=Notes()), **given)


COUNT: JsonObject = workflow(task("count", function="tools.simple_counter.increment", args=["ticks"])) | {
    "name": "count"
}


def test_each_tick_is_done_once_although_workers_die(workers: Workers) -> None:
    with connect(workers.database.web) as connection:
        facade.register(connection, tenant_id=workers.tenant, definition=COUNT)
    given = {"cron": "* * * * * *", "max_ticks": 4, "workflow_name": "count", "event_name": "second"}
    process = workers.start()
    run_id = workers.submit(workflow(task("loop", function="tools.cron.durable_cron", kwargs=given)))
    for number in (1, 2):
        workers.wait(run_id, lambda _: f"loop.tick {number}" in workers.steps(run_id), seconds=60)  # noqa: B023 - called at once
        workers.kill(process)
        process = workers.start()
    run = workers.finish(run_id, seconds=60)
    assert run.status == "completed", run.error
    result = workers.result(run_id)["loop"]
    assert (result["ticks"], result["failed"], result["is_full"]) == (4, 0, True)
    with connect(workers.database.web) as connection:
        children = facade.list_runs(connection, tenant_id=workers.tenant, chosen=RunFilter(names=("count",)))
        events = facade.list_events(connection, tenant_id=workers.tenant, workflow_run_id=run_id)
    assert len(children) == 4
    assert {event.name for event in events} >= {f"second:{number}" for number in (1, 2, 3, 4)}
