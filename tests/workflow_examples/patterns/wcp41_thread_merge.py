"""WCP-41 Thread Merge: of the threads that a path has become, a given number together go on as one.

Arranged: behind a parallel `foreach` all of its threads go on as one. To merge N at a time, each thread counts itself and emits an event with its
number; a round of a second `foreach` waits for each N-th.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": [*["bake"] * 4, *["box"] * 2, "sell"],
    "order": [["bake 2", "box 1", "bake 3", "bake 4", "box 2", "sell"]],
}
DURING = [
    {"when": "dough waiting 4", "event": "dough_1"},
    {"when": "bake succeeded", "event": "dough_4"},
    {"when": "box succeeded", "event": "dough_2"},  # the first two are in a box before the others are in the oven
    {"when": "box succeeded", "event": "dough_3"},
]


def thread(body: WorkflowBuilder) -> WorkflowBuilder:
    """One of four."""
    body.wait_for_event("dough", "dough_{{loop.number}}")
    body.task("bake", "tools.simple_counter.increment", args=["wcp41/{{workflow_run_id}}"])
    return body.emit_event("baked", "baked_{{bake.value}}")


def merge_two(body: WorkflowBuilder) -> WorkflowBuilder:
    """Two threads that go on as one."""
    body.wait_for_event("two_more", "baked_{{item}}")
    return body.task("box", "tools.log.info", args=["a box of two"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp41_thread_merge")
    builder.task("open", "tools.log.info", args=["good morning"])
    builder.foreach("threads", "range(4)", loop_body=thread, parallel=True, dependencies=["open"])
    builder.foreach("boxes", "[2, 4]", loop_body=merge_two, parallel=True, dependencies=["open"])
    builder.task("sell", "tools.log.info", args=["sold"], dependencies=["threads", "boxes"])
    return builder.build()
