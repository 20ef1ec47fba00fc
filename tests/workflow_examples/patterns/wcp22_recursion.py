"""WCP-22 Recursion: a task calls the process that it is part of.

Here: a workflow starts itself by its name, as a child run with other inputs. This one weighs a thing by weighing its parts, and theirs.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {
    "thing": {
        "weight": 5,
        "parts": [{"weight": 2, "parts": [{"weight": 1, "parts": []}]}, {"weight": 4, "parts": []}],
    }
}
EXPECTED = {"done": ["weigh_part", "weigh_part", "add"], "result": {"add": 12}}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp22_recursion")
    builder.foreach(
        "parts",
        "{{inputs.thing.parts}}",
        loop_body=lambda body: body.task(
            "weigh_part",
            "tools.workflow.execute",
            kwargs={"workflow_name": "wcp22_recursion", "inputs": {"thing": "{{item}}"}},
        ),
        parallel=True,
    )
    builder.task(
        "add",
        "tools.code.exec",
        kwargs={
            "code": "result = weight + sum(part['result']['add'] for part in parts)",
            "inputs": {"weight": "{{inputs.thing.weight}}", "parts": "{{parts.results}}"},
        },
    )
    return builder.build()
