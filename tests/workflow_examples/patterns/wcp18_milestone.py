"""WCP-18 Milestone: a task can begin only while the run is in a certain state: after it was reached, and before it was left.

Here: what can be done in the state stands in a branch, which is forked when the state is reached and cancelled when it is left.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["board", "close_doors"], "order": [["board", "close_doors"]]}
DURING = [
    {"when": "train waiting", "signal": "passenger", "payload": "ann"},  # early: she boards when the doors open
    {"when": "train waiting", "event": "train"},
    {"when": "board succeeded", "signal": "departure"},
    {"when": "close_doors succeeded", "signal": "passenger", "payload": "bob"},  # late: he never boards
    {"when": "terminus waiting", "event": "terminus"},
]


def one_passenger(body: WorkflowBuilder) -> WorkflowBuilder:
    """May come as long as the doors are open."""
    body.task("passenger", "tools.workflow.receive_signal", args=["passenger"])
    return body.task("board", "tools.log.info", args=["welcome, {{passenger.payload}}"])


def boarding(branch: WorkflowBuilder) -> WorkflowBuilder:
    """What can be done in the state."""
    return branch.while_loop("passengers", "loop.number > 0", loop_body=one_passenger)


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp18_milestone")
    builder.wait_for_event("train", "train")
    builder.parallel("open_doors", branches={"boarding": boarding})
    builder.task("departure", "tools.workflow.receive_signal", args=["departure"])
    builder.task("close_doors", "tools.workflow.cancel_branch", args=["{{open_doors}}", "boarding"])
    builder.wait_for_event("terminus", "terminus")
    return builder.build()
