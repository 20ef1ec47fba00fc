"""WCP-42 Thread Split: one thread becomes a given number of threads on the same path.

Here: a parallel `foreach` over a range; its body is the path, and each thread goes along it at its own pace.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": [*["print"] * 3, *["fold"] * 3], "order": [["print 1", "fold 1", "print 2"]]}
# One thread has folded before the others have printed.
DURING = [
    {"when": "paper waiting 3", "event": "paper_2"},
    {"when": "fold succeeded", "event": "paper_1"},
    {"when": "fold succeeded", "event": "paper_3"},
]


def thread(body: WorkflowBuilder) -> WorkflowBuilder:
    """The path."""
    body.wait_for_event("paper", "paper_{{loop.number}}")
    body.task("print", "tools.log.info", args=["copy {{loop.number}} printed"])
    return body.task("fold", "tools.log.info", args=["copy {{loop.number}} folded"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp42_thread_split")
    builder.foreach("copies", "range(3)", loop_body=thread, parallel=True)
    return builder.build()
