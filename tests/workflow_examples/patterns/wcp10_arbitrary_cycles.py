"""WCP-10 Arbitrary Cycles: a cycle with more than one way in or out.

Partly: edges never lead backwards, so such a cycle is not drawn. It is said as a machine of states: a `while` around a `switch` whose cases each name
the place to go to next. One may enter at any of them and leave from any of them.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"enter_at": "review"}  # the other way in is "write"
EXPECTED = {
    "done": ["review", "review", "review", "correct", "correct", "publish"],
    "never": ["write"],
    "order": [["review 1", "correct 1", "review 2", "correct 2", "review 3", "publish"]],
}


def go_to(builder: WorkflowBuilder, task_id: str, place: str, **more: object) -> WorkflowBuilder:
    """A task that says where the cycle goes on."""
    return builder.task(task_id, "tools.memory.set", args=["place", place], **more)


def one_place(body: WorkflowBuilder) -> WorkflowBuilder:
    """Does what is to be done at a place, and says which is the next."""
    body.switch("at", "{{place}}", cases={"write": "write", "review": "review", "correct": "correct"})
    go_to(body, "write", "review", dependencies=["at"])
    go_to(body, "correct", "review", dependencies=["at"])
    body.task("review", "tools.simple_counter.increment", args=["wcp10/{{workflow_run_id}}"], dependencies=["at"])
    return body.condition(
        "is_good",
        "{{review.value}} == 3",
        if_true=lambda side: go_to(side, "publish", "left"),
        if_false=lambda side: go_to(side, "send_back", "correct"),
        dependencies=["review"],
    )


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp10_arbitrary_cycles")
    go_to(builder, "enter", "{{inputs.enter_at}}")
    builder.while_loop("cycle", "place != 'left'", loop_body=one_place)
    return builder.build()
