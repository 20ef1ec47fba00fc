"""WCP-4 Exclusive Choice: data decides which one of several branches is taken.

Here: `condition` for two sides, `switch` for more; what was not chosen is skipped.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"amount": 1200}
EXPECTED = {"done": ["ask_manager"], "never": ["approve"]}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp04_exclusive_choice")
    builder.condition(
        "is_large",
        "{{amount}} > 1000",
        if_true=lambda side: side.task("ask_manager", "tools.log.info", args=["{{amount}} needs a signature"]),
        if_false=lambda side: side.task("approve", "tools.log.info", args=["{{amount}} is approved"]),
    )
    return builder.build()
