"""Checks of the operations about what runs ask people."""

from __future__ import annotations

from tests.integration.api.definitions import task, workflow
from tests.integration.clients.operations_table import Cast, covers

APPROVALS = "/api/v1/approvals"
APPROVAL = f"{APPROVALS}/{{approval_key}}"
CALLED = f"GET {APPROVALS}"


def _asking(key: str) -> dict[str, object]:
    ask = task("ask", "tools.approval.request", message="Deploy?", approval_key=key, allow_self=True)
    return workflow(ask, task("tell", "tools.log.info", "{{ask.status}}", after=("ask",)), name="asking")


@covers(CALLED, f"GET {APPROVAL}", f"POST {APPROVAL}/approve", f"POST {APPROVAL}/reject")
def decide(cast: Cast) -> None:
    ends = {}
    for vote in ("approve", "reject"):
        run = cast.world.api.submit(_asking(f"to-{vote}"))
        cast.world.api.wait_until(run, {"sleeping"})
        asked = cast.owner.call(f"GET {APPROVAL}", f"to-{vote}")
        assert (asked["status"], asked["workflow_run_id"], asked["message"]) == ("pending", run, "Deploy?")
        assert asked in cast.owner.call(CALLED)["approvals"]
        ends[vote] = cast.owner.call(f"POST {APPROVAL}/{vote}", f"to-{vote}")["status"]
        assert cast.world.api.wait_until(run)["status"] == "completed"
    assert ends == {"approve": "approved", "reject": "rejected"}
    assert cast.owner.refused(f"POST {APPROVAL}/reject", "to-approve") == (409, "conflict")
    assert cast.owner.refused(f"GET {APPROVAL}", "nobody-knows") == (404, "not_found")
