"""Checks of the operations about circuit breakers and locks."""

from __future__ import annotations

from tests.integration.api.definitions import GIVEN_UP, task, workflow
from tests.integration.clients.operations_table import Cast, covers

BREAKERS = "/api/v1/circuit-breakers"
BREAKER = f"{BREAKERS}/{{resource_key}}"
LOCKS = "GET /api/v1/workflows/{workflow_run_id}/locks"
LOCKING = workflow(
    task("take", "tools.lock.acquire", "door"),
    task("let_go", "tools.lock.release", "door", after=("take",)),
    name="locking",
)


@covers(f"GET {BREAKERS}", f"GET {BREAKER}", f"POST {BREAKER}/reset", f"POST {BREAKERS}/reset")
def break_circuits(cast: Cast) -> None:
    cast.world.api.wait_until(cast.world.api.submit(GIVEN_UP))
    broken = cast.owner.call(f"GET {BREAKERS}", state="OPEN")["circuit_breakers"]
    assert [one["resource_key"] for one in broken] == ["broken"]
    assert cast.owner.call(f"GET {BREAKER}", "broken")["state"] == "OPEN"
    assert cast.owner.call(f"POST {BREAKER}/reset", "broken")["state"] == "CLOSED"
    assert cast.owner.refused(f"GET {BREAKER}", "broken") == (404, "not_found")
    assert cast.owner.call(f"POST {BREAKERS}/reset")["reset"] == 0


@covers(LOCKS)
def lock(cast: Cast) -> None:
    run = cast.world.api.submit(LOCKING)
    cast.world.api.wait_until(run)
    told = cast.owner.call(LOCKS, run)
    assert [entry["event_type"] for entry in told["locks"]] == ["lock_acquired", "lock_released"]
    assert told["active_locks"] == []
