"""WCP-2 Parallel Split: one thread of control becomes several that go on at the same time.

Here: `parallel` forks branches and goes on at once (tasks that depend on the same task run side by side, too). Each of these branches waits until the
other has begun: one after the other, neither would ever end.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["receive_order", "pack", "bill"], "order": [["receive_order", "pack"], ["receive_order", "bill"]]}


def side(mine: str, other: str):
    """A branch that says that it has begun, waits until the other has, and works."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.emit_event(f"{mine}_begins", f"{mine}_begins")
        branch.wait_for_event(f"{mine}_meets_{other}", f"{other}_begins")
        return branch.task(mine, "tools.log.info", args=[f"{mine} beside {other}"])

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp02_parallel_split")
    builder.task("receive_order", "tools.log.info", args=["an order came in"])
    builder.parallel("split", branches={"pack": side("pack", "bill"), "bill": side("bill", "pack")})
    return builder.build()
