"""WCP-26 Cancel Multiple Instance Task: all instances of a task that have not ended are withdrawn; those that have are not affected.

Here: the parallel `foreach` stands in a branch of its own, and `tools.workflow.cancel_branch` ends it.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["file_opinion", "close_file"],
    "order": [["file_opinion", "close_file"]],
    "never": ["weigh_opinions"],
}
DURING = [
    {"when": "opinion waiting 3", "event": "opinion_of_bob"},
    {"when": "file_opinion succeeded", "signal": "settled out of court"},
]


def expert(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("opinion", "opinion_of_{{item}}")
    return body.task("file_opinion", "tools.log.info", args=["{{item}} has said something"])


def ask_experts(branch: WorkflowBuilder) -> WorkflowBuilder:
    """All instances, and what would come after them."""
    branch.foreach("experts", '["ann", "bob", "cid"]', loop_body=expert, parallel=True)
    return branch.task("weigh_opinions", "tools.log.info", args=["who is right?"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp26_cancel_instances")
    builder.parallel("trial", branches={"experts": ask_experts})
    builder.task("settlement", "tools.workflow.receive_signal", args=["settled out of court"])
    builder.task("dismiss", "tools.workflow.cancel_branch", args=["{{trial}}", "experts"])
    builder.task("close_file", "tools.log.info", args=["closed"])
    return builder.build()
