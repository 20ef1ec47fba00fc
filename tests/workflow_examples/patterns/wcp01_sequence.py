"""WCP-1 Sequence: a task begins when the one before it has ended.

Here: tasks written one after the other; the builder makes each depend on the one before.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["pick", "pack", "ship"], "order": [["pick", "pack", "ship"]]}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp01_sequence")
    builder.task("pick", "tools.log.info", args=["picked"])
    builder.task("pack", "tools.log.info", args=["packed"])
    builder.task("ship", "tools.log.info", args=["shipped"])
    return builder.build()
