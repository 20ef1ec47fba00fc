"""WCP-19 Cancel Task: a task that has begun is withdrawn; the rest of the run goes on.

Here: an `activity` is cancelled by itself, through the API or by `tools.workflow.cancel_activity`. It fails the task that waits for it, whose failure
handler says how it goes on.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"failed": ["printed"], "done": ["show_on_screen", "tell_author"], "never": ["bind_book"]}
DURING = [{"when": "print running", "cancel_activity": "print"}]


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp19_cancel_task")
    builder.activity("print", "tools.long_running.execute_no_manual_heartbeat", args=[3600])
    builder.task("printed", "tools.workflow.wait_for_activity", args=["{{print}}"]).on_failure("show_on_screen")
    builder.task("show_on_screen", "tools.log.info", args=["not on paper"])
    builder.task("bind_book", "tools.log.info", args=["bound"], dependencies=["printed"])
    builder.task("tell_author", "tools.log.info", args=["done"], dependencies=["show_on_screen"])
    return builder.build()
