"""WCP-33 Generalized AND-Join: a task begins each time every branch has arrived once more; a branch may be ahead, its arrivals are kept.

Arranged: each branch numbers its arrivals and emits an event for each; the join is a loop whose round N waits for the N-th event of every branch.
Events are kept, so nobody waits to arrive.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["front_wheel", "back_wheel", "assemble"] * 3,
    "order": [["front_wheel", "back_wheel"], *([f"back_wheel {number}", f"assemble {number}"] for number in (1, 2, 3))],
}
# All front wheels are there before the first back wheel.
DURING = [{"when": "front_wheel succeeded 3", "event": "steel"}]


def make(wheel: str):
    """A branch that arrives three times."""

    def one(body: WorkflowBuilder) -> WorkflowBuilder:
        body.task(wheel, "tools.log.info", args=[wheel + " {{loop.number}}"])
        return body.emit_event(f"{wheel}_ready", wheel + "_{{loop.number}}")

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        if wheel == "back_wheel":
            branch.wait_for_event("steel", "steel")
        return branch.foreach(f"{wheel}s", "range(3)", loop_body=one)

    return build


def join(body: WorkflowBuilder) -> WorkflowBuilder:
    """One of each."""
    body.wait_for_event("front", "front_wheel_{{loop.number}}")
    body.wait_for_event("back", "back_wheel_{{loop.number}}")
    return body.task("assemble", "tools.log.info", args=["bicycle {{loop.number}}"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp33_generalized_and_join")
    builder.parallel("make", branches={"front": make("front_wheel"), "back": make("back_wheel")})
    builder.foreach("bicycles", "range(3)", loop_body=join)
    return builder.build()
