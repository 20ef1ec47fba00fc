"""WCP-30 Structured Partial Join: when N of M branches have arrived, the next task begins; the others end unheeded.

Arranged: counted arrivals. Each branch counts itself and emits an event with its number; the join waits for the event with the number N.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["answer_of_ann", "answer_of_bob", "answer_of_cid", "decide"],
    "order": [["answer_of_bob", "answer_of_cid", "decide", "answer_of_ann"]],
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
        branch.task(f"answer_of_{whom}", "tools.simple_counter.increment", args=["wcp30/{{workflow_run_id}}"])
        return branch.emit_event(f"{whom}_arrives", "arrival_{{answer_of_" + whom + ".value}}")

    return build


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp30_structured_partial_join")
    builder.parallel("ask", branches={whom: ask(whom) for whom in ("ann", "bob", "cid")})
    builder.wait_for_event("two_of_three", "arrival_2")
    builder.task("decide", "tools.log.info", args=["two have answered"])
    return builder.build()
