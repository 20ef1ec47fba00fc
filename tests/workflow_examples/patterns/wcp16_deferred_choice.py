"""WCP-16 Deferred Choice: one of several things may happen next; what happens first decides, and the others cannot happen any more.

Here: the run waits in one place, by `tools.workflow.receive_signal`, and a `switch` follows the signal that comes first. A time limit with a failure
handler makes the clock one of the alternatives.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["news", "refund"], "never": ["deliver", "remind"]}
DURING = [
    {"when": "news waiting", "signal": "news", "payload": "complaint"},
    {"when": "news succeeded", "signal": "news", "payload": "parcel"},  # too late: the choice is made
    {"when": "refund waiting", "event": "bank_has_paid"},
]


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp16_deferred_choice")
    builder.task("news", "tools.workflow.receive_signal", args=["news"], kwargs={"timeout_seconds": 86_400})
    builder.on_failure("remind")
    builder.task("remind", "tools.log.info", args=["nothing has happened for a day"])
    builder.switch(
        "follow", "{{news.payload}}", cases={"parcel": "deliver", "complaint": "refund"}, dependencies=["news"]
    )
    builder.task("deliver", "tools.log.info", args=["delivered"], dependencies=["follow"])
    builder.wait_for_event("refund", "bank_has_paid", dependencies=["follow"])
    return builder.build()
