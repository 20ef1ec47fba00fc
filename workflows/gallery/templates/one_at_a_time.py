"""One at a time, by a lock

Let many runs and branches work on something that only one may change at a time. Who waits for the lock waits in line and holds no worker; the
end of a run, however it comes, lets go of its locks.

Tags: locks, loop
Inputs: {"ledger": "2026", "amounts": [10, 20, 30]}
"""

from highway_dsl import WorkflowBuilder


def each_amount(body: WorkflowBuilder) -> WorkflowBuilder:
    return body.task(
        "book", "tools.simple_counter.increment", kwargs={"name": "ledger:{{inputs.ledger}}", "delta": "{{item}}"}
    )


builder = WorkflowBuilder("one_at_a_time", version="1.0.0")
builder.task(
    "take",
    "tools.lock.acquire",
    kwargs={"name": "ledger:{{inputs.ledger}}", "timeout_seconds": 600},
    result_key="lock",
)
builder.foreach("amounts_in", "{{inputs.amounts}}", each_amount, result_key="booked")
builder.task("note", "tools.log.info", args=["{{booked.count}} bookings under number {{lock.fencing}}"])
builder.task("let_go", "tools.lock.release", kwargs={"name": "ledger:{{inputs.ledger}}"})
workflow = builder.build()
