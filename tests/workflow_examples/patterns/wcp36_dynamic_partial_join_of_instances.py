"""WCP-36 Dynamic Partial Join for Multiple Instances: instances are added while others are at work; a condition that is asked when one ends decides when
there were enough of them.

Arranged: a branch with a dynamic `foreach` that is kept open (WCP-15); each instance adds to a total, and the one that reaches the goal emits `enough`.
Then the branch is cancelled, with the instances that are left.
"""

from highway_dsl import Workflow, WorkflowBuilder

TOTAL = "wcp36/{{workflow_run_id}}"
EXPECTED = {"done": ["book", "book", "build_playground"], "order": [["book", "build_playground"]]}
DURING = [
    {"when": "pledges waiting", "signal": "add_items", "payload": [{"by": "ann", "amount": 60}]},
    {"when": "money waiting", "signal": "add_items", "payload": [{"by": "cid", "amount": 10}]},
    {"when": "money waiting 2", "event": "money_of_ann"},
    {"when": "book succeeded", "signal": "add_items", "payload": [{"by": "bob", "amount": 50}]},
    {"when": "money waiting 2", "event": "money_of_bob"},
]


def instance(body: WorkflowBuilder) -> WorkflowBuilder:
    """Waits for the money and adds it to the total; the condition is asked of the total."""
    body.wait_for_event("money", "money_of_{{item.by}}")
    body.task("book", "tools.simple_counter.increment", args=[TOTAL, "{{item.amount}}"])
    return body.condition(
        "is_enough",
        "{{book.value}} >= 100",
        if_true=lambda side: side.emit_event("goal_reached", "enough"),
        if_false=lambda side: side,
    )


def collect(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Takes pledges for as long as it may."""
    open_end = {"keep_open": True}
    return branch.foreach("pledges", "[]", loop_body=instance, parallel=True, dynamic=True, metadata=open_end)


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp36_dynamic_partial_join_of_instances")
    builder.parallel("collect", branches={"pledges": collect})
    builder.wait_for_event("goal", "enough")
    builder.task("close", "tools.workflow.cancel_branch", args=["{{collect}}", "pledges"])
    builder.task("build_playground", "tools.log.info", args=["swings and a slide"])
    return builder.build()
