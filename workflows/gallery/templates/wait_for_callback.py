"""Wait for a callback

Ask another system for something and wait until it calls back: its webhook emits an event of this run. When it does not come in time, a
handler takes over and the run goes on another way.

Tags: events, timeout, handlers
Inputs: {"payment": "P-9"}
Send: event payment_settled {"amount": 42}
"""

from highway_dsl import JoinMode, WorkflowBuilder

builder = WorkflowBuilder("wait_for_callback", version="1.0.0")
builder.task(
    "ask",
    "tools.log.info",
    args=["asked for {{inputs.payment}}; call back at .../workflows/{{workflow_run_id}}/events"],
)
builder.wait_for_event("settled", "payment_settled", timeout_seconds=24 * 3600).on_failure("remind")
builder.task("remind", "tools.log.warning", args=["{{failed_task_id}}: {{error_message}}"])
builder.join("either_way", ["settled", "remind"], JoinMode.ONE_SUCCESS, dependencies=["settled", "remind"])
builder.task("close", "tools.log.info", args=["{{inputs.payment}} is closed"])
workflow = builder.build()
