"""Checks of the operations about activities and their logs."""

from __future__ import annotations

from tests.integration.clients.operations_table import Cast, covers

ALL = "/api/v1/activities"
ONE = f"{ALL}/{{activity_id}}"
OF_RUN = "GET /api/v1/workflows/{workflow_run_id}/activities"
LOGS = "GET /api/v1/logs/workflows/{workflow_run_id}/activities"


def _activity(cast: Cast) -> str:
    [activity] = cast.owner.call(OF_RUN, cast.world.story)["activities"]
    assert activity["status"] == "completed"
    return str(activity["activity_id"])


@covers(f"GET {ALL}", f"GET {ALL}/stale", f"GET {ALL}/status", f"GET {ONE}", OF_RUN)
def see_activities(cast: Cast) -> None:
    activity = _activity(cast)
    listed = cast.owner.call(f"GET {ALL}", workflow_run_id=cast.world.story)["activities"]
    assert [one["activity_id"] for one in listed] == [activity]
    assert cast.owner.call(f"GET {ALL}/stale")["activities"] == []
    assert cast.owner.call(f"GET {ALL}/status")["queue_summary"]["completed"] >= 1
    assert cast.owner.call(f"GET {ONE}", activity)["workflow_run_id"] == cast.world.story
    assert cast.owner.refused(f"GET {ONE}", cast.world.story) == (404, "not_found")


@covers(f"GET {ONE}/heartbeats", f"POST {ALL}/cleanup-heartbeats")
def see_heartbeats(cast: Cast) -> None:
    activity = _activity(cast)
    beats = cast.owner.call(f"GET {ONE}/heartbeats", activity)
    assert (beats["activity_id"], beats["count"]) == (activity, len(beats["heartbeats"]))
    assert cast.owner.call(f"POST {ALL}/cleanup-heartbeats")["deleted_count"] == 0  # none is old enough


@covers("GET /api/v1/logs/activities", LOGS, f"{LOGS}/{{activity_id}}")
def read_activity_logs(cast: Cast) -> None:
    activity = _activity(cast)
    assert activity in [one["activity_id"] for one in cast.owner.call("GET /api/v1/logs/activities")["activities"]]
    assert cast.owner.call(LOGS, cast.world.story)["summary"] == {"total_activities": 1, "completed": 1, "failed": 0}
    told = cast.owner.call(f"{LOGS}/{{activity_id}}", cast.world.story, activity)
    assert (told["result_summary"]["stdout"], told["error"]) == ("acted", None)
