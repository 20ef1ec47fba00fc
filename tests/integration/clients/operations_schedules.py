"""Checks of the operations about schedules."""

from __future__ import annotations

from tests.integration.api.definitions import SAY_HELLO
from tests.integration.clients.operations_table import Cast, covers

ALL = "/api/v1/schedules"
ONE = f"{ALL}/{{schedule_id}}"


@covers(
    f"POST {ALL}", f"GET {ALL}", f"GET {ONE}", f"PATCH {ONE}", f"DELETE {ONE}", f"GET {ONE}/history", f"POST {ALL}/scan"
)
def schedule(cast: Cast) -> None:
    body = {"name": "daily", "workflow_definition": SAY_HELLO, "schedule_cron": "0 9 * * *", "overlap": "allow"}
    made = cast.owner.call(f"POST {ALL}", body=body, answers=201)["schedule_id"]
    run = cast.world.api.post(f"{ALL}/{made}/run").data["workflow_run_id"]
    assert made in [one["schedule_id"] for one in cast.owner.call(f"GET {ALL}")["schedules"]]
    assert cast.owner.call(f"GET {ONE}", made)["schedule_cron"] == "0 9 * * *"
    cast.owner.call(f"PATCH {ONE}", made, body={"schedule_cron": "0 10 * * *"})
    assert cast.owner.call(f"GET {ONE}", made)["schedule_cron"] == "0 10 * * *"
    executions = cast.owner.call(f"GET {ONE}/history", made)["executions"]
    assert [one["workflow_run_id"] for one in executions] == [run]
    cast.owner.call(f"POST {ALL}/scan")
    cast.owner.call(f"DELETE {ONE}", made)
    assert cast.owner.refused(f"GET {ONE}", made) == (404, "not_found")
