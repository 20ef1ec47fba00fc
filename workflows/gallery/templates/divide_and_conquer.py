"""Child workflows

Split a list in halves until it is small, work on each half as a run of its own, and put the results together. Children are runs like any
other: they have their own page, survive crashes, and are cancelled with their parent. This one starts itself.

Tags: child workflows, condition
Inputs: {"numbers": [5, 3, 9, 1]}
"""

from highway_dsl import WorkflowBuilder

SPLIT = "half = len(numbers) // 2; result = {'left': numbers[:half], 'right': numbers[half:]}"
MERGE = "result = sum(each['result']['answer'] for each in halves.values())"


def in_halves(side: WorkflowBuilder) -> WorkflowBuilder:
    side.task("split", "tools.code.exec", args=[SPLIT, {"numbers": "{{inputs.numbers}}"}])
    side.child_workflows(
        "halves",
        {
            name: {"workflow_name": "divide_and_conquer", "inputs": {"numbers": f"{{{{split.{name}}}}}"}}
            for name in ("left", "right")
        },
    )
    return side.task("merge", "tools.code.exec", args=[MERGE, {"halves": "{{halves}}"}], result_key="sum")


def at_once(side: WorkflowBuilder) -> WorkflowBuilder:
    return side.task(
        "add", "tools.code.exec", args=["result = sum(numbers)", {"numbers": "{{inputs.numbers}}"}], result_key="sum"
    )


builder = WorkflowBuilder("divide_and_conquer", version="1.0.0")
builder.condition("is_large", "len(inputs.numbers) > 2", in_halves, at_once)
builder.task("answer", "tools.code.exec", args=["result = total", {"total": "{{sum}}"}])
workflow = builder.build()
