"""Schedules over HTTP: made, refused with places, changed, paused, run, backfilled, and fired by a real worker."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from tests.integration.api.client import Answer, Client
from tests.integration.api.definitions import SAY_HELLO, task, workflow

SCHEDULES = "/api/v1/schedules"


def create(client: Client, **body: Any) -> Answer:
    values = {
        "name": f"s-{uuid.uuid4().hex[:12]}",
        "workflow_definition": SAY_HELLO,
        "schedule_cron": "0 2 * * *",
    } | body
    return client.post(SCHEDULES, {name: value for name, value in values.items() if value is not None})


def test_a_schedule_is_made_and_shown_in_words(owner: Client) -> None:
    made = create(owner, timezone="Europe/Berlin", inputs={"day": "{{ds}}"}, tags=["x"])
    assert made.status == 201
    assert made.data["description"] == "At 02:00 every day"
    assert (made.data["is_active"], made.data["state"], made.data["execution_count"]) == (True, "active", 0)
    shown = owner.get(f"{SCHEDULES}/{made.data['schedule_id']}").data
    assert shown == made.data
    listed = {one["schedule_id"]: one for one in owner.get(SCHEDULES).data["schedules"]}
    assert listed[made.data["schedule_id"]]["next_run_at"] == made.data["next_run_at"]


@pytest.mark.parametrize(
    ("form", "pinned"),
    [("definition_id", True), ("definition_hash", True), ("workflow_name", False)],
)
def test_what_it_runs_is_named_in_each_form(owner: Client, form: str, pinned: bool) -> None:
    ref = owner.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO, "execute": False}).data
    made = create(owner, workflow_definition=None, **{form: ref[form]})
    assert made.status == 201, made.json
    assert made.data["workflow_name"] == "say_hello"
    assert made.data["definition_id"] == (ref["definition_id"] if pinned else None)


def test_a_version_is_pinned_by_its_number(owner: Client) -> None:
    ref = owner.post("/api/v1/workflows", {"workflow_definition": SAY_HELLO, "execute": False}).data
    made = create(owner, workflow_definition=None, workflow_name="say_hello", version_pin=ref["version"])
    assert made.data["definition_id"] == ref["definition_id"]
    assert create(owner, workflow_definition=None, workflow_name="say_hello", version_pin=999).status == 404


@pytest.mark.parametrize(
    ("body", "path", "word"),
    [
        ({"schedule_cron": "61 * * * *"}, "$.schedule_cron", "Bad minute"),
        ({"schedule_cron": "0 0 31 2 *"}, "$.schedule_cron", "cron"),
        ({"timezone": "Berlin"}, "$.timezone", "'Europe/Berlin'"),
        ({"inputs": {"day": "{{dss}}"}}, "$.inputs.day", "did you mean 'ds'"),
        ({"starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}, "$.ends_at", "before"),
        ({"workflow_definition": None, "workflow_name": "nope"}, "$.workflow_name", "'nope'"),
        (
            {"workflow_definition": workflow(task("a", "tools.nope"))},
            "$.workflow_definition.tasks.a.function",
            "tools.nope",
        ),
        ({"workflow_definition": None, "yaml": "a: [1"}, "$.yaml", "line 2, column 1"),
        ({"yaml": "a: 1"}, "$", "2 of them are: workflow_definition, yaml"),
        ({"overlap": "maybe"}, "$.overlap", "buffer_one"),
        ({"starts_at": "2027-01-02T00:00:00"}, "$.starts_at", "timezone"),
        ({"schedule_crom": "x"}, "$.schedule_crom", "Extra"),
        ({"workflow_definition": None}, "$", "exactly one of"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(owner: Client, body: dict[str, Any], path: str, word: str) -> None:
    answer = create(owner, **body)
    assert answer.status == 422, answer.json
    details = {detail["path"]: detail["message"] for detail in answer.json["details"]}
    assert word in details[path]


def test_a_taken_name_is_a_conflict(owner: Client) -> None:
    name = f"twin-{uuid.uuid4().hex[:8]}"
    assert create(owner, name=name).status == 201
    assert (create(owner, name=name).status, create(owner, name=name).code) == (409, "conflict")


def test_a_change_keeps_what_it_does_not_name(owner: Client) -> None:
    made = create(owner, priority=7, queue="slow").data
    path = f"{SCHEDULES}/{made['schedule_id']}"
    changed = owner.send("PATCH", path, {"schedule_cron": "0 3 * * *", "timezone": "Asia/Tokyo"}).data
    assert (changed["schedule_cron"], changed["timezone"]) == ("0 3 * * *", "Asia/Tokyo")
    assert (changed["priority"], changed["queue"], changed["name"]) == (7, "slow", made["name"])
    assert changed["next_run_at"] != made["next_run_at"]
    assert owner.send("PATCH", path, {"timezone": "Tokyo"}).json["details"][0]["path"] == "$.timezone"


def test_pausing_and_resuming_by_either_way(owner: Client) -> None:
    path = f"{SCHEDULES}/{create(owner).data['schedule_id']}"
    paused = owner.post(f"{path}/pause", {"reason": "month end"}).data
    assert (paused["state"], paused["pause_reason"], paused["next_run_at"]) == ("paused", "month end", None)
    assert paused["paused_by"]
    assert owner.post(f"{path}/pause").status == 409
    assert owner.send("PATCH", path, {"is_active": False}).data["pause_reason"] == "month end"
    assert owner.send("PATCH", path, {"is_active": True}).data["state"] == "active"
    assert owner.send("PATCH", path, {"is_active": False, "reason": "again"}).data["pause_reason"] == "again"
    assert owner.post(f"{path}/resume").data["is_active"] is True
    assert create(owner, is_active=False).data["state"] == "paused"


def test_run_now_has_one_effect_under_one_key_and_a_history(owner: Client) -> None:
    made = create(owner, overlap="allow").data
    path = f"{SCHEDULES}/{made['schedule_id']}"
    first = owner.post(f"{path}/run", **{"X-Idempotency-Key": made["name"]})
    second = owner.post(f"{path}/run", **{"X-Idempotency-Key": made["name"]})
    assert first.status == 201
    assert first.json == second.json
    run = owner.wait_until(first.data["workflow_run_id"])
    assert (run["status"], run["trigger"], run["attributes"]["schedule_id"]) == (
        "completed",
        "schedule",
        made["schedule_id"],
    )
    history = owner.get(f"{path}/history").data
    (execution,) = history["executions"]
    assert (history["total"], execution["status"], execution["kind"]) == (1, "completed", "manual")
    assert execution["duration_seconds"] > 0


def test_a_backfill_is_counted_before_it_is_done(owner: Client) -> None:
    path = f"{SCHEDULES}/{create(owner, overlap='allow').data['schedule_id']}"
    span = {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T12:00:00Z"}
    assert owner.post(f"{path}/backfill", span).data["count"] == 3
    assert owner.get(f"{path}/history").data["total"] == 0
    done = owner.post(f"{path}/backfill", {**span, "dry_run": False}).data
    assert (done["count"], len(done["workflow_run_ids"])) == (3, 3)
    assert owner.post(f"{path}/backfill", {"begin": span["end"], "end": span["begin"]}).status == 422


def test_the_next_times_are_shown_in_both_zones(owner: Client) -> None:
    path = f"{SCHEDULES}/{create(owner, timezone='Asia/Tokyo').data['schedule_id']}"
    shown = owner.get(f"{path}/preview?count=3").data
    assert [one[10:] for one in shown["local_times"]] == ["T02:00:00+09:00"] * 3
    assert [one[10:] for one in shown["times"]] == ["T17:00:00+00:00"] * 3


def test_a_deleted_schedule_is_gone(owner: Client) -> None:
    path = f"{SCHEDULES}/{create(owner).data['schedule_id']}"
    assert owner.send("DELETE", path).data["deleted"] is True
    assert owner.get(path).status == owner.send("DELETE", path).status == owner.post(f"{path}/run").status == 404


def test_a_list_goes_on_where_it_stopped(owner: Client) -> None:
    made = {create(owner, name=f"zz-{n}-{uuid.uuid4().hex[:6]}").data["name"] for n in range(3)}
    seen, after = [], "zz-"
    while after:
        page = owner.get(f"{SCHEDULES}?limit=1&after={after}").data
        seen += [one["name"] for one in page["schedules"]]
        after = page["next_after"]
    assert made <= set(seen)
    assert seen == sorted(seen)


def test_a_registered_definition_brings_its_schedule_and_a_worker_fires_it(owner: Client) -> None:
    name = f"cron_{uuid.uuid4().hex[:8]}"
    definition = {**workflow(task("a", "tools.log.info", "{{ds}}"), name=name), "schedule": "* * * * * *"}
    answer = owner.post("/api/v1/workflows", {"workflow_definition": definition, "execute": False})
    assert answer.status == 201, answer.json
    made = next(one for one in owner.get(f"{SCHEDULES}?after={name[:-1]}").data["schedules"] if one["name"] == name)
    assert made["source"] == "definition"
    path = f"{SCHEDULES}/{made['schedule_id']}"
    until = time.monotonic() + 30
    while not any(one["status"] == "completed" for one in owner.get(f"{path}/history").data["executions"]):
        assert time.monotonic() < until, owner.get(f"{path}/history").json
        time.sleep(0.1)
    owner.send("DELETE", path)


def test_the_scan_tells_how_things_stand(owner: Client) -> None:
    create(owner)
    assert owner.post(f"{SCHEDULES}/scan").data["active"] >= 1
