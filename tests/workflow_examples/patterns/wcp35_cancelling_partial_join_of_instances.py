"""WCP-35 Cancelling Partial Join for Multiple Instances: when N of the M instances have ended, the next task begins, and the others are withdrawn.

Here: a parallel `foreach` with `needed: N` and `cancel_rest`.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["review", "review", "publish"],
    "order": [["review", "publish"]],
    "result": {"ask.ended": [0, 2], "ask.count": 3},
}
DURING = [
    {"when": "report waiting 3", "event": "report_of_cid"},
    {"when": "review succeeded", "event": "report_of_ann"},
]


def reviewer(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("report", "report_of_{{item}}")
    return body.task("review", "tools.log.info", args=["{{item}} has reported"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp35_cancelling_partial_join_of_instances")
    two = {"needed": 2, "cancel_rest": True}
    builder.foreach("ask", '["ann", "bob", "cid"]', loop_body=reviewer, parallel=True, metadata=two)
    builder.task("publish", "tools.log.info", args=["published"])
    return builder.build()
