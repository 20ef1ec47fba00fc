"""Notify whom it concerns

Start the branches whose condition holds, one or several of them, and wait for those that were started.

Tags: multi-choice, parallel
Inputs: {"severity": 8, "customer": "acme"}
"""

from highway_dsl import WorkflowBuilder


def page(branch: WorkflowBuilder) -> WorkflowBuilder:
    return branch.task("page_engineer", "tools.log.warning", args=["paged for severity {{inputs.severity}}"])


def call(branch: WorkflowBuilder) -> WorkflowBuilder:
    return branch.task("call_customer", "tools.log.info", args=["called {{inputs.customer}}"])


def note(branch: WorkflowBuilder) -> WorkflowBuilder:
    return branch.task("write_note", "tools.log.info", args=["noted for the morning"])


builder = WorkflowBuilder("notify_by_choice", version="1.0.0")
builder.multi_choice(
    "whom",
    {
        "page": ("{{inputs.severity}} >= 7", page),
        "call": ("{{inputs.severity}} >= 5 and {{inputs.customer}} != ''", call),
        "note": ("{{inputs.severity}} < 5", note),
    },
    minimum_branches=1,
    result_key="told",
)
builder.task(
    "all_told", "tools.workflow.wait_for_parallel_branches", args=["{{told}}"], kwargs={"timeout_seconds": 600}
)
builder.task("close", "tools.log.info", args=["everybody knows"])
workflow = builder.build()
