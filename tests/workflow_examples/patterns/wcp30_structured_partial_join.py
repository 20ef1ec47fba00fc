"""WCP-30 Structured Partial Join: when N of M branches have arrived, the next task begins; the others end unheeded.

Here: `tools.workflow.wait_for_parallel_branches` with `needed: N`; its result says which have ended.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["answer_of_ann", "answer_of_bob", "answer_of_cid", "decide"],
    "order": [["answer_of_bob", "answer_of_cid", "decide", "answer_of_ann"]],
    "result": {"two_of_three.bob.status": "completed", "two_of_three.ann.status": "running"},
}
DURING = [
    {"when": ["ann waiting", "bob waiting", "cid waiting"], "event": "bob"},
    {"when": "answer_of_bob succeeded", "event": "cid"},
    {"when": "decide succeeded", "event": "ann"},
]


def ask(whom: str):
    """A branch that arrives when somebody has answered."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.wait_for_event(whom, whom)
        return branch.task(f"answer_of_{whom}", "tools.log.info", args=[whom])

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp30_structured_partial_join")
    builder.parallel("ask", branches={whom: ask(whom) for whom in ("ann", "bob", "cid")})
    wait = "tools.workflow.wait_for_parallel_branches"
    builder.task("two_of_three", wait, args=["{{ask}}"], kwargs={"needed": 2})
    builder.task("decide", "tools.log.info", args=["two have answered"])
    return builder.build()
