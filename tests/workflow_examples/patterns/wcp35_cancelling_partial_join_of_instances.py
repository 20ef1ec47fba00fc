"""WCP-35 Cancelling Partial Join for Multiple Instances: when N of the M instances have ended, the next task begins, and the others are withdrawn.

Arranged: as WCP-34; then the branch with the instances is cancelled.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["review", "review", "publish"], "order": [["review", "publish"]]}
DURING = [
    {"when": "report waiting 3", "event": "report_of_cid"},
    {"when": "review succeeded", "event": "report_of_ann"},
]


def reviewer(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("report", "report_of_{{item}}")
    body.task("review", "tools.simple_counter.increment", args=["wcp35/{{workflow_run_id}}"])
    return body.emit_event("reviewed", "review_{{review.value}}")


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp35_cancelling_partial_join_of_instances")
    builder.parallel(
        "ask",
        branches={
            "reviewers": lambda branch: branch.foreach(
                "each", '["ann", "bob", "cid"]', loop_body=reviewer, parallel=True
            )
        },
    )
    builder.wait_for_event("two_reviews", "review_2")
    builder.task("dismiss", "tools.workflow.cancel_branch", args=["{{ask}}", "reviewers"])
    builder.task("publish", "tools.log.info", args=["published"])
    return builder.build()
