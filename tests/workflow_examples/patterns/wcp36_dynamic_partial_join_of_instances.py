"""WCP-36 Dynamic Partial Join for Multiple Instances: instances are added while others are at work; a condition that is asked when one ends decides when
there were enough of them.

Arranged: a branch takes signals and forks an instance for each (WCP-15); each instance adds to a total, and the one that reaches the goal emits
`enough`. Then the branch is cancelled, with the instances that are left.
"""

from highway_dsl import Workflow, WorkflowBuilder

TOTAL = "wcp36/{{workflow_run_id}}"
EXPECTED = {"done": ["book", "book", "build_playground"], "order": [["book", "build_playground"]]}
DURING = [
    {"when": "pledge waiting", "signal": "pledge", "payload": {"by": "ann", "amount": 60}},
    {"when": "money waiting", "signal": "pledge", "payload": {"by": "cid", "amount": 10}},
    {"when": "money waiting 2", "event": "money_of_ann"},
    {"when": "book succeeded", "signal": "pledge", "payload": {"by": "bob", "amount": 50}},
    {"when": "money waiting 2", "event": "money_of_bob"},
]


def instance(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Waits for the money and adds it to the total; the condition is asked of the total."""
    branch.wait_for_event("money", "money_of_{{pledge.payload.by}}")
    branch.task("book", "tools.simple_counter.increment", args=[TOTAL, "{{pledge.payload.amount}}"])
    return branch.condition(
        "is_enough",
        "{{book.value}} >= 100",
        if_true=lambda side: side.emit_event("goal_reached", "enough"),
        if_false=lambda side: side,
    )


def one_pledge(body: WorkflowBuilder) -> WorkflowBuilder:
    """Adds an instance."""
    body.task("pledge", "tools.workflow.receive_signal", args=["pledge"])
    return body.parallel("wait_for_money", branches={"one": instance})


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp36_dynamic_partial_join_of_instances")
    builder.parallel(
        "collect",
        branches={"pledges": lambda branch: branch.while_loop("while_open", "loop.number > 0", loop_body=one_pledge)},
    )
    builder.wait_for_event("goal", "enough")
    builder.task("close", "tools.workflow.cancel_branch", args=["{{collect}}", "pledges"])
    builder.task("build_playground", "tools.log.info", args=["swings and a slide"])
    return builder.build()
