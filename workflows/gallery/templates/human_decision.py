"""Human decision

Prepare something, wait (for days, if need be) until a person decides by a signal, and go one of two ways.

Tags: signal, condition, people
Inputs: {"document": "contract-7"}
Send: signal decision {"approved": true, "by": "maria"}
"""

from highway_dsl import WorkflowBuilder


def publish(side: WorkflowBuilder) -> WorkflowBuilder:
    return side.task(
        "publish", "tools.log.info", args=["{{inputs.document}} published, {{decision.payload.by}} agreed"]
    )


def send_back(side: WorkflowBuilder) -> WorkflowBuilder:
    return side.task("send_back", "tools.log.warning", args=["{{inputs.document}} refused by {{decision.payload.by}}"])


builder = WorkflowBuilder("human_decision", version="1.0.0")
builder.task("prepare", "tools.log.info", args=["{{inputs.document}} is ready to be looked at"])
builder.task(
    "decide",
    "tools.workflow.receive_signal",
    kwargs={"name": "decision", "timeout_seconds": 7 * 24 * 3600},
    result_key="decision",
)
builder.condition("approved", "{{decision.payload.approved}} == true", publish, send_back)
builder.task("archive", "tools.log.info", args=["{{inputs.document}} is done with"])
workflow = builder.build()
