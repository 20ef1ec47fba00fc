"""WCP-29 Cancelling Discriminator: the first branch to arrive lets the next task begin, and the others are withdrawn.

Here: every branch emits the same event, of which the first counts; then all branches are cancelled, which changes nothing for one that has ended.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["drive"], "never": ["taxi_found", "bus_found"], "result": {"ride.with": "tram"}}
DURING = [{"when": ["taxi waiting", "bus waiting", "tram waiting"], "event": "tram"}]
WAYS = ["taxi", "bus", "tram"]


def look_for(way: str):
    """A branch that tells when it has found something."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.wait_for_event(way, way)
        return branch.emit_event(f"{way}_found", "found", payload={"with": way})

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp29_cancelling_discriminator")
    builder.parallel("look", branches={way: look_for(way) for way in WAYS})
    builder.wait_for_event("ride", "found")
    for way in WAYS:
        builder.task(f"forget_{way}", "tools.workflow.cancel_branch", args=["{{look}}", way])
    builder.task("drive", "tools.log.info", args=["by {{ride.with}}"])
    return builder.build()
