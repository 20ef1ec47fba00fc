"""WCP-25 Cancel Region: some of the tasks of a run are withdrawn, wherever they stand; the others go on.

Here: what may be withdrawn together stands in branches; `tools.workflow.cancel_branch` ends each, with all that it has forked.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["pack", "print_bill", "apologize", "send_newsletter"], "never": ["ship", "book_payment"]}
DURING = [
    {"when": ["carrier waiting", "payment waiting", "friday waiting"], "signal": "withdraw"},
    {"when": "apologize succeeded", "event": "friday"},
]


def region(first: str, event: str, last: str):
    """A branch that works, waits for something outside, and works again."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.task(first, "tools.log.info", args=[first])
        branch.wait_for_event(event, event)
        return branch.task(last, "tools.log.info", args=[last])

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp25_cancel_region")
    builder.parallel(
        "order",
        branches={
            "goods": region("pack", "carrier", "ship"),
            "money": region("print_bill", "payment", "book_payment"),
            "news": region("write_newsletter", "friday", "send_newsletter"),
        },
    )
    builder.task("withdrawal", "tools.workflow.receive_signal", args=["withdraw"])
    for branch in ("goods", "money"):
        builder.task(f"cancel_{branch}", "tools.workflow.cancel_branch", args=["{{order}}", branch])
    builder.task("apologize", "tools.log.info", args=["the order is withdrawn"])
    return builder.build()
