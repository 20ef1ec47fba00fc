"""WCP-34 Static Partial Join for Multiple Instances: when N of the M instances have ended, the next task begins; the others end unheeded.

Here: a parallel `foreach` with `needed: N`; its result says which have ended. The others are branches that go on, and the run waits for them at its end.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["review", "review", "review", "publish"],
    "order": [["review 2", "publish", "review 3"]],
    "result": {"ask.ended": [0, 2], "ask.count": 3},
}
DURING = [
    {"when": "report waiting 3", "event": "report_of_cid"},
    {"when": "review succeeded", "event": "report_of_ann"},
    {"when": "publish succeeded", "event": "report_of_bob"},
]


def reviewer(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("report", "report_of_{{item}}")
    return body.task("review", "tools.log.info", args=["{{item}} has reported"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp34_static_partial_join_of_instances")
    two = {"needed": 2}
    builder.foreach("ask", '["ann", "bob", "cid"]', loop_body=reviewer, parallel=True, metadata=two)
    builder.task("publish", "tools.log.info", args=["published"])
    return builder.build()
