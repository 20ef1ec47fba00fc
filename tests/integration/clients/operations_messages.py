"""Checks of the operations about requests to a run, and about what it undoes."""

from __future__ import annotations

from tests.integration.api.definitions import task, workflow
from tests.integration.clients.operations_table import Cast, covers

ONE = "/api/v1/workflows/{workflow_run_id}"
UNDO = {"function": "tools.log.info", "args": ["undone"]}
PRICED = workflow(
    task("take", "tools.update.handle", name="price"),
    task("reply", "tools.update.reply", after=("take",), update_id="{{take.update_id}}", result="{{take.payload}}"),
    name="priced",
)
UNDOING = workflow(
    {**task("book", "tools.log.info", "booked"), "compensation": UNDO},
    task("pay", "tools.shell.run", "exit 3", after=("book",)),
    name="undoing",
)


@covers(f"POST {ONE}/updates", f"GET {ONE}/updates", f"GET {ONE}/updates/history")
def update(cast: Cast) -> None:
    run = cast.world.api.submit(PRICED)
    late = cast.owner.call(f"POST {ONE}/updates", run, body={"update_name": "other", "timeout_seconds": 0}, answers=408)
    assert late["code"] == "update_timeout"
    assert [one["update_name"] for one in cast.owner.call(f"GET {ONE}/updates", run)["updates"]] == ["other"]
    answered = cast.owner.call(f"POST {ONE}/updates", run, body={"update_name": "price", "update_payload": "tea"})
    assert (answered["status"], answered["result"]) == ("completed", "tea")
    history = cast.owner.call(f"GET {ONE}/updates/history", run)["updates"]
    assert [one["update_name"] for one in history] == ["price", "other"]


@covers(f"GET {ONE}/sagas")
def undo(cast: Cast) -> None:
    run = cast.world.api.submit(UNDOING)
    assert cast.world.api.wait_until(run)["status"] == "compensated"
    told = cast.owner.call(f"GET {ONE}/sagas", run)
    assert [(step["step"], step["status"]) for step in told["sagas"][0]["steps"]] == [("book", "undone")]
    assert cast.owner.call(f"GET {ONE}/sagas", cast.world.story)["sagas"] == []
