"""WCP-7 Structured Synchronizing Merge: after a multi-choice, a task waits for exactly those branches that were taken.

Here: `multi_choice`, then `tools.workflow.wait_for_parallel_branches` on its result, which names the branches that were taken.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"fire": True, "injured": 2, "water": False}
EXPECTED = {
    "done": ["send_firefighters", "send_doctor", "close_case"],
    "never": ["send_pumps"],
    "order": [["send_firefighters", "close_case"], ["send_doctor", "close_case"]],
}


def send(whom: str):
    """A branch that sends somebody."""
    return lambda branch: branch.task(f"send_{whom}", "tools.log.info", args=[f"{whom} sent"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp07_structured_synchronizing_merge")
    builder.multi_choice(
        "dispatch",
        branches={
            "fire": ("{{fire}}", send("firefighters")),
            "medicine": ("{{injured}} > 0", send("doctor")),
            "flood": ("{{water}}", send("pumps")),
        },
    )
    builder.task("all_back", "tools.workflow.wait_for_parallel_branches", args=["{{dispatch}}"])
    builder.task("close_case", "tools.log.info", args=["everybody is back"])
    return builder.build()
