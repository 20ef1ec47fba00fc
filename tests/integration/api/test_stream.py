"""Following a run by server-sent events, over real HTTP."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.integration.api.client import Client
from tests.integration.api.definitions import WAIT_FOR_GO, task, workflow
from tests.support.stack import Stack

TWO_STEPS = workflow(
    task("note", "tools.log.info", "noted"),
    {"task_id": "go", "operator_type": "wait_for_event", "event_name": "go", "dependencies": ["note"]},
    task("last", "tools.log.info", "the last", after=("go",)),
    name="two_steps",
)
FAILING = workflow(task("broken", "tools.shell.run", "exit 3"), name="broken")


@dataclass(frozen=True)
class Event:
    """One server-sent event; of a comment, only its words."""

    name: str
    data: dict[str, Any]
    place: str


class Stream:
    """An open stream, read event by event; closing it is a disconnect."""

    def __init__(self, client: Client, run_id: str, query: str = "", **headers: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(client.url).netloc, timeout=30)
        headers["Authorization"] = f"Bearer {client.key}"
        headers["Accept-Encoding"] = "gzip"
        self._connection.request("GET", f"/api/v1/workflows/{run_id}/stream{query}", headers=headers)
        self.answer = self._connection.getresponse()

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name and value:
                fields[name] = value
            elif not name:
                if "event" in fields:
                    yield Event(fields["event"], json.loads(fields["data"]), fields["id"])
                fields = {}

    def until(self, name: str, **data: Any) -> list[Event]:
        """Events up to the first of that name with that data."""
        seen = []
        for event in self:
            seen.append(event)
            if event.name == name and data.items() <= event.data.items():
                return seen
        raise AssertionError(f"the stream ended without {name} {data}: {seen}")

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def story(events: list[Event]) -> list[str]:
    """What happened, without the status."""
    return [
        event.data.get("message") or f"{event.data['event_type']} {event.data['step_name']}".strip()
        for event in events
        if event.name in {"step", "log", "event"}
    ]


def test_a_run_is_told_from_its_beginning_to_its_end_as_it_happens(owner: Client) -> None:
    run_id = owner.submit(TWO_STEPS)
    stream = Stream(owner, run_id)
    assert stream.answer.status == 200
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    events = stream.until("status", status="sleeping")
    assert sorted(story(events)) == ["noted", "step_succeeded note"]
    owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "go"})
    rest = list(stream)
    assert story(rest)[:2] == ["event", "step_succeeded go"]
    assert "the last" in story(rest)
    statuses = [event.data["status"] for event in (*events, *rest) if event.name == "status"]
    assert (statuses[-1], "sleeping" in statuses) == ("completed", True)
    assert (rest[-1].name, rest[-1].data["status"]) == ("done", "completed")
    stream.close()


def test_an_ended_run_is_told_at_once_with_its_error(owner: Client) -> None:
    run_id = owner.submit(FAILING)
    owner.wait_until(run_id)
    events = list(Stream(owner, run_id))
    assert story(events) == ["step_failed broken"]
    assert events[-1].data["status"] == "failed"
    assert events[-1].data["error"]


def test_a_viewer_who_comes_back_is_told_what_they_missed_and_little_twice(owner: Client) -> None:
    run_id = owner.submit(TWO_STEPS)
    first = Stream(owner, run_id)
    seen = first.until("status", status="sleeping")
    first.close()
    owner.post(f"/api/v1/workflows/{run_id}/events", {"event_name": "go"})
    owner.wait_until(run_id)
    back = list(Stream(owner, run_id, **{"Last-Event-ID": seen[-1].place}))
    known = {event.data["seq"] for event in seen if "seq" in event.data}
    news = [event for event in back if event.data.get("seq") not in known]
    assert story(news)[0] == "event"
    assert "the last" in story(news)
    newest = max(event.data["seq"] for event in back if "seq" in event.data)
    nothing = list(Stream(owner, run_id, f"?after={newest}"))
    assert [event.name for event in nothing] == ["status", "done"]


def test_a_long_story_is_told_whole_and_once(owner: Client, live: Stack) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    owner.wait_until(run_id, {"sleeping"})
    with psycopg.connect(live.database.worker) as connection:
        connection.execute(
            "INSERT INTO highway.journal (tenant_id, workflow_run_id, kind, step_key, data, at)"
            " SELECT r.tenant_id, r.workflow_run_id, 'log', 'go', jsonb_build_object('level', 'info', 'message', n::text),"
            "        now() - interval '1 hour' * (n <= 2500)::int"
            "   FROM highway.workflow_run AS r, generate_series(1, 5000) AS n WHERE r.workflow_run_id = %s",
            [run_id],
        )
    events = list(Stream(owner, run_id, "?for_seconds=0"))
    assert [event.data["message"] for event in events if event.name == "log"] == [str(n) for n in range(1, 5001)]
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_an_entry_that_commits_late_is_told_too(owner: Client, live: Stack) -> None:
    """Its number was drawn before that of an entry that was told already."""
    run_id = owner.submit(WAIT_FOR_GO)
    owner.wait_until(run_id, {"sleeping"})
    insert = (
        "INSERT INTO highway.journal (tenant_id, workflow_run_id, kind, data)"
        " SELECT tenant_id, workflow_run_id, 'log', jsonb_build_object('level', 'info', 'message', %s::text)"
        "   FROM highway.workflow_run WHERE workflow_run_id = %s"
    )
    stream = Stream(owner, run_id)
    with psycopg.connect(live.database.worker) as late, psycopg.connect(live.database.worker, autocommit=True) as soon:
        late.execute(insert, ["late", run_id])
        soon.execute(insert, ["soon", run_id])
        stream.until("log", message="soon")
        late.commit()
    assert story(stream.until("log", message="late")) == ["late"]
    stream.close()
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_unknown_runs_and_runs_of_others_are_not_found(owner: Client, stranger: Client) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    for one in (run_id, "01a1fa9e-c762-7e26-bd49-713d1a24fde0"):
        answer = stranger.get(f"/api/v1/workflows/{one}/stream")
        assert (answer.status, answer.code) == (404, "not_found")
    owner.post(f"/api/v1/workflows/{run_id}/cancel")


def test_many_viewers_hold_no_connection_and_leave_nothing_behind(owner: Client, live: Stack) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    owner.wait_until(run_id, {"sleeping"})
    with ThreadPoolExecutor(10) as opening:
        streams = list(opening.map(lambda _: Stream(owner, run_id), range(40)))
    for stream in streams:
        stream.until("status", status="sleeping")
    with psycopg.connect(live.database.superuser, autocommit=True) as connection:
        assert _used(connection) <= POOL
        for stream in streams[:39]:
            stream.close()
        owner.post(f"/api/v1/workflows/{run_id}/cancel", {"reason": "enough"})
        assert streams[39].until("done")[-1].data["status"] == "cancelled"
        _until_no_poll(connection)


POOL = 10  # connections of a web process
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_web' AND datname = current_database()"
LAST_POLL = (
    "SELECT extract(epoch FROM clock_timestamp() - max(query_start)) FROM pg_stat_activity"
    " WHERE usename = 'app_web' AND datname = current_database()"
)


def _used(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(BUSY).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


def _until_no_poll(connection: psycopg.Connection[Any]) -> None:
    """Nobody looks, so nobody asks: the web's connections fall silent."""
    deadline = time.monotonic() + 20
    while True:
        row = connection.execute(LAST_POLL).fetchone()  # type: ignore[arg-type]
        if row and (row[0] is None or row[0] > 2):
            return
        assert time.monotonic() < deadline, "somebody still polls"
        time.sleep(0.1)


@pytest.mark.parametrize("query", ["?after=-1", "?for_seconds=1000000"])
def test_what_cannot_be_is_refused(owner: Client, query: str) -> None:
    assert Stream(owner, "01a1fa9e-c762-7e26-bd49-713d1a24fde0", query).answer.status == 422
