"""WCP-21 Structured Loop: tasks are repeated while a condition holds; it is asked before each round, or after each.

Here: `while` asks before. A loop that asks after has a condition that holds as long as the first round has left nothing to ask about.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"plates": 0}
EXPECTED = {
    "never": ["dry"],
    "done": ["polish", "polish", "polish"],
    "result": {"while_plates.iterations": 0, "until_bright.iterations": 3},
}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp21_structured_loop")
    builder.while_loop(
        "while_plates",
        "loop.index < inputs.plates",
        loop_body=lambda body: body.task("dry", "tools.log.info", args=["a plate"]),
    )
    builder.while_loop(
        "until_bright",
        "{{polish.value | default(0)}} < 3",
        loop_body=lambda body: body.task(
            "polish", "tools.simple_counter.increment", args=["wcp21/{{workflow_run_id}}"]
        ),
    )
    return builder.build()
