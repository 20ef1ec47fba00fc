"""WCP-17 Interleaved Parallel Routing: tasks with a partial order are done in any order that respects it, but never two at a time.

Here: branches give the partial order; each task takes a lock that has the run's name, and lets go of it.
"""

from highway_dsl import Workflow, WorkflowBuilder

BENCH = "bench of {{workflow_run_id}}"
EXPECTED = {
    "done": ["measure", "cut", "mix", "paint"],
    "order": [["measure", "cut"], ["mix", "paint"]],
    "apart": [[f"{task}_takes_bench", f"{task}_leaves_bench"] for task in ("measure", "cut", "mix", "paint")],
}


def at_the_bench(*tasks: str):
    """A branch of tasks, each with the bench to itself."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        for task in tasks:
            branch.task(f"{task}_takes_bench", "tools.lock.acquire", args=[BENCH])
            branch.task(task, "tools.log.info", args=[f"{task} done"])
            branch.task(f"{task}_leaves_bench", "tools.lock.release", args=[BENCH])
        return branch

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp17_interleaved_parallel_routing")
    builder.parallel_with_join(
        "work", branches={"wood": at_the_bench("measure", "cut"), "colour": at_the_bench("mix", "paint")}
    )
    return builder.build()
