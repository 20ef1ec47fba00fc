"""WCP-24 Persistent Trigger: a signal from outside starts a task; one that comes before the task waits for it is kept.

Here: signals are kept in the run's inbox and taken in order by `tools.workflow.receive_signal`; events are kept, too.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["take", "read"], "result": {"take.payload": "sent while away"}}
DURING = [
    {"when": "come_home waiting", "signal": "letter", "payload": "sent while away"},
    {"when": "come_home waiting", "event": "home"},
]


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp24_persistent_trigger")
    builder.wait_for_event("come_home", "home")
    builder.task("take", "tools.workflow.receive_signal", args=["letter"])
    builder.task("read", "tools.log.info", args=["it says: {{take.payload}}"])
    return builder.build()
