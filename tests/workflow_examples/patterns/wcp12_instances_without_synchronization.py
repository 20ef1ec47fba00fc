"""WCP-12 Multiple Instances without Synchronization: several instances of a task are started, and nobody waits for them.

Here: a `foreach` that queues an `activity` for each item and goes on; a child run for each, by `tools.workflow.execute` with `wait: false`, does it
as well.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": [*["fine"] * 6, "close_day"]}  # each `fine` is two steps: it was queued, and it was done


def queue_fine(body: WorkflowBuilder) -> WorkflowBuilder:
    """Queues one activity."""
    return body.activity("fine", "tools.log.info", args=["a fine for {{item}}"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp12_instances_without_synchronization")
    builder.foreach("offenders", '["ann", "bob", "cid"]', loop_body=queue_fine)
    builder.task("close_day", "tools.log.info", args=["the clerk goes home"])
    return builder.build()
