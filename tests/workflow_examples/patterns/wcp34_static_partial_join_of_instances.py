"""WCP-34 Static Partial Join for Multiple Instances: when N of the M instances have ended, the next task begins; the others end unheeded.

Arranged: the parallel `foreach` stands in a branch of its own; each instance counts itself and emits an event with its number, and the run waits for
number N.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["review", "review", "review", "publish"], "order": [["review 2", "publish", "review 3"]]}
DURING = [
    {"when": "report waiting 3", "event": "report_of_cid"},
    {"when": "review succeeded", "event": "report_of_ann"},
    {"when": "publish succeeded", "event": "report_of_bob"},
]


def reviewer(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("report", "report_of_{{item}}")
    body.task("review", "tools.simple_counter.increment", args=["wcp34/{{workflow_run_id}}"])
    return body.emit_event("reviewed", "review_{{review.value}}")


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp34_static_partial_join_of_instances")
    builder.parallel(
        "ask",
        branches={
            "reviewers": lambda branch: branch.foreach(
                "each", '["ann", "bob", "cid"]', loop_body=reviewer, parallel=True
            )
        },
    )
    builder.wait_for_event("two_reviews", "review_2")
    builder.task("publish", "tools.log.info", args=["published"])
    return builder.build()
