"""WCP-39 Critical Section: of some parts of a run, each of several tasks, only one is executed at a time.

Here: `tools.lock.acquire` before the part and `tools.lock.release` behind it. Who waits stands in line and holds no worker; a lock with a name of the
tenant keeps runs apart, too.
"""

from highway_dsl import Workflow, WorkflowBuilder

ACCOUNT = "account of {{workflow_run_id}}"
PEOPLE = ["ann", "bob", "cid"]
EXPECTED = {
    "done": [f"{name}_{part}" for name in PEOPLE for part in ("reads", "writes")],
    "apart": [[f"{name}_enters", f"{name}_leaves"] for name in PEOPLE],
}


def transfer(name: str):
    """A branch whose part of two tasks is critical."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.task(f"{name}_enters", "tools.lock.acquire", args=[ACCOUNT])
        branch.task(f"{name}_reads", "tools.log.info", args=["the balance"])
        branch.task(f"{name}_writes", "tools.log.info", args=["the new balance"])
        return branch.task(f"{name}_leaves", "tools.lock.release", args=[ACCOUNT])

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp39_critical_section")
    builder.parallel("transfers", branches={name: transfer(name) for name in PEOPLE})
    return builder.build()
