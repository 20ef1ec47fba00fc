"""WCP-38 General Synchronizing Merge: a task waits as long as anything may still arrive, also when paths lead through cycles.

Partly: loops are tasks of the graph around them, and so a merge behind them (and one inside of their rounds) always knows whether anything may still
come. In cycles that are no loops (WCP-10) there is nothing to merge on.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"scratched": True, "dented": False}
EXPECTED = {
    "done": ["polish", "polish", "clean", "hand_over"],
    "never": ["hammer"],
    "order": [["polish", "hand_over"], ["clean", "hand_over"]],
}


def polish_until_good(side: WorkflowBuilder) -> WorkflowBuilder:
    """A path that is a loop."""
    return side.while_loop(
        "polishing",
        "{{polish.value | default(0)}} < 2",
        loop_body=lambda body: body.task(
            "polish", "tools.simple_counter.increment", args=["wcp38/{{workflow_run_id}}"]
        ),
    )


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp38_general_synchronizing_merge")
    builder.task("inspect", "tools.log.info", args=["inspected"])
    builder.condition(
        "is_scratched",
        "{{scratched}}",
        if_true=polish_until_good,
        if_false=lambda side: side,
        dependencies=["inspect"],
    )
    builder.condition(
        "is_dented",
        "{{dented}}",
        if_true=lambda side: side.task("hammer", "tools.log.info", args=["hammered"]),
        if_false=lambda side: side,
        dependencies=["inspect"],
    )
    builder.task("clean", "tools.log.info", args=["cleaned"], dependencies=["inspect"])
    builder.task("hand_over", "tools.log.info", args=["yours"], dependencies=["polishing", "hammer", "clean"])
    return builder.build()
