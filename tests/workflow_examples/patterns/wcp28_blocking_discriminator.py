"""WCP-28 Blocking Discriminator: the first branch to arrive lets the next task begin; each branch arrives once before any may arrive again.

Arranged: counted arrivals. Each branch emits an event with the number of the round and its place in it, then waits for the `reset` of the round,
which the discriminator emits when the last of the round has arrived.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["left_arrives", "serve", "right_arrives"] * 2,
    "order": [["left_arrives 1", "serve 1", "right_arrives 1", "left_arrives 2", "serve 2", "right_arrives 2"]],
}
DURING = [
    {"when": ["left_part waiting", "right_part waiting"], "event": "left_1"},
    {"when": "serve succeeded", "event": "left_2"},  # too early: its branch is still blocked
    {"when": "left_blocked waiting", "event": "right_1"},
    {"when": "serve succeeded 2", "event": "right_2"},
]


def line(side: str):
    """A branch that arrives twice."""

    def one_part(body: WorkflowBuilder) -> WorkflowBuilder:
        body.wait_for_event(f"{side}_part", side + "_{{loop.number}}")
        place = "wcp28/{{workflow_run_id}}/{{loop.number}}"
        body.task(f"{side}_arrives", "tools.simple_counter.increment", args=[place])
        body.emit_event(f"{side}_tells", "arrival_{{loop.number}}_{{" + side + "_arrives.value}}")
        return body.wait_for_event(f"{side}_blocked", "reset_{{loop.number}}")

    return lambda branch: branch.foreach(f"{side}_parts", "range(2)", loop_body=one_part)


def discriminator(body: WorkflowBuilder) -> WorkflowBuilder:
    """Goes on with the first, and is ready anew after the last."""
    body.wait_for_event("first", "arrival_{{loop.number}}_1")
    body.task("serve", "tools.log.info", args=["served"], dependencies=["first"])
    body.wait_for_event("last", "arrival_{{loop.number}}_2", dependencies=["first"])
    return body.emit_event("reset", "reset_{{loop.number}}", dependencies=["last"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp28_blocking_discriminator")
    builder.parallel("lines", branches={"left": line("left"), "right": line("right")})
    builder.foreach("rounds", "range(2)", loop_body=discriminator)
    return builder.build()
