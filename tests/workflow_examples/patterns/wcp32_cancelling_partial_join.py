"""WCP-32 Cancelling Partial Join: when N of M branches have arrived, the next task begins, and the others are withdrawn.

Here: `tools.workflow.wait_for_parallel_branches` with `needed: N`; then all branches are cancelled, which changes nothing for those that have ended.
"""

from highway_dsl import Workflow, WorkflowBuilder

NAMES = ["ann", "bob", "cid"]
EXPECTED = {
    "done": ["answer_of_bob", "answer_of_cid", "decide"],
    "never": ["answer_of_ann"],
    "order": [["answer_of_bob", "answer_of_cid", "decide"]],
    "result": {"two_of_three.cid.status": "completed", "two_of_three.ann.status": "running"},
}
DURING = [
    {"when": [f"{name} waiting" for name in NAMES], "event": "bob"},
    {"when": "answer_of_bob succeeded", "event": "cid"},
]


def ask(whom: str):
    """A branch that arrives when somebody has answered."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.wait_for_event(whom, whom)
        return branch.task(f"answer_of_{whom}", "tools.log.info", args=[whom])

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp32_cancelling_partial_join")
    builder.parallel("ask", branches={whom: ask(whom) for whom in NAMES})
    wait = "tools.workflow.wait_for_parallel_branches"
    builder.task("two_of_three", wait, args=["{{ask}}"], kwargs={"needed": 2})
    for whom in NAMES:
        builder.task(f"dismiss_{whom}", "tools.workflow.cancel_branch", args=["{{ask}}", whom])
    builder.task("decide", "tools.log.info", args=["two have answered"])
    return builder.build()
