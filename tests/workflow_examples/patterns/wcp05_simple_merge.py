"""WCP-5 Simple Merge: branches of which only one was taken come together again, without waiting for the others.

Here: a task that depends on all the alternatives; those that were skipped count for nothing.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"way": "train"}
EXPECTED = {"done": ["by_train", "arrive"], "never": ["by_road", "by_air"], "order": [["by_train", "arrive"]]}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp05_simple_merge")
    builder.switch("choose", "{{way}}", cases={"road": "by_road", "train": "by_train", "air": "by_air"})
    for way in ("by_road", "by_train", "by_air"):
        builder.task(way, "tools.log.info", args=[way], dependencies=["choose"])
    builder.task("arrive", "tools.log.info", args=["arrived"], dependencies=["by_road", "by_train", "by_air"])
    return builder.build()
