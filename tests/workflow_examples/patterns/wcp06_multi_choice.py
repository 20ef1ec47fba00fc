"""WCP-6 Multi-Choice: data decides which branches are taken; it may be one, several or all.

Here: `multi_choice`, a condition for each branch. The run ends when the branches have.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"fire": True, "injured": 2, "water": False}
EXPECTED = {"done": ["send_firefighters", "send_doctor"], "never": ["send_pumps"]}


def send(whom: str):
    """A branch that sends somebody."""
    return lambda branch: branch.task(f"send_{whom}", "tools.log.info", args=[f"{whom} sent"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp06_multi_choice")
    builder.multi_choice(
        "dispatch",
        branches={
            "fire": ("{{fire}}", send("firefighters")),
            "medicine": ("{{injured}} > 0", send("doctor")),
            "flood": ("{{water}}", send("pumps")),
        },
    )
    return builder.build()
