"""WCP-13 Multiple Instances with a priori Design-Time Knowledge: a number of instances that the author knows run at once; all are waited for.

Here: a parallel `foreach` over a list that stands in the workflow.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["sign", "sign", "sign", "come_into_force"], "order": [["sign", "come_into_force"]]}
# The first to be named signs last: they do not stand in line.
DURING = [
    {"when": "pen waiting 3", "event": "pen_for_director"},
    {"when": "sign succeeded", "event": "pen_for_treasurer"},
    {"when": "sign succeeded 2", "event": "pen_for_chair"},
]


def signature(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("pen", "pen_for_{{item}}")
    return body.task("sign", "tools.log.info", args=["signed by the {{item}}"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp13_instances_known_at_design_time")
    builder.foreach("signatures", '["chair", "treasurer", "director"]', loop_body=signature, parallel=True)
    builder.task("come_into_force", "tools.log.info", args=["all have signed"])
    return builder.build()
