"""WCP-3 Synchronization: a task begins when all of several parallel branches have ended.

Here: `parallel_with_join` forks the branches and adds the task that waits for them; inside one graph, a task that depends on several others does it.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["pack", "bill", "ship"], "order": [["pack", "ship"], ["bill", "ship"]]}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp03_synchronization")
    builder.parallel_with_join(
        "prepare",
        branches={
            "packing": lambda branch: branch.task("pack", "tools.log.info", args=["packed"]),
            "billing": lambda branch: branch.task("bill", "tools.log.info", args=["billed"]),
        },
    )
    builder.task("ship", "tools.log.info", args=["packed and billed: shipped"])
    return builder.build()
