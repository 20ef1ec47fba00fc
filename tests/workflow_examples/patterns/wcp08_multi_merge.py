"""WCP-8 Multi-Merge: what follows runs once for every branch that arrives, without waiting for the others.

Arranged: counted arrivals. Each branch counts itself and emits an event with its number; a parallel `foreach` has a round for each number, which
waits for its event and does what follows. What follows is written once.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["film", "photograph", "interview", *["archive"] * 3],
    "order": [["archive 2", "interview", "archive 3"]],
}
# The interview is held only when something is in the archive already: the merge waits for nobody.
DURING = [{"when": "archive succeeded 2", "event": "archive_is_ready"}]


def recording(kind: str):
    """A branch that works and arrives."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        if kind == "interview":
            branch.wait_for_event("permission", "archive_is_ready")
        branch.task(kind, "tools.log.info", args=[f"{kind} done"])
        branch.task(f"{kind}_number", "tools.simple_counter.increment", args=["wcp08/{{workflow_run_id}}"])
        number = "{{" + kind + "_number.value}}"
        return branch.emit_event(f"{kind}_arrives", f"arrival_{number}", payload={"kind": kind})

    return build


def follow(body: WorkflowBuilder) -> WorkflowBuilder:
    """What comes after the merge, once for each arrival."""
    body.wait_for_event("arrival", "arrival_{{loop.number}}")
    return body.task("archive", "tools.log.info", args=["{{arrival.kind}} archived"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp08_multi_merge")
    builder.parallel("record", branches={kind: recording(kind) for kind in ("film", "photograph", "interview")})
    builder.foreach("merge", "range(3)", loop_body=follow, parallel=True)
    return builder.build()
