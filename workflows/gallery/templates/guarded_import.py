"""Guarded import

Check what goes into a step and what comes out of it, and limit the time of each attempt. What breaks a rule fails at once, with the rule in
words, and a handler tells about it.

Tags: guards, timeout, handlers
Inputs: {"source": "north", "expected": 3}
"""

from highway_dsl import Duration, WorkflowBuilder

builder = WorkflowBuilder("guarded_import", version="1.0.0")
builder.task(
    "count_rows",
    "tools.code.exec",
    args=["result = {'rows': expected}", {"expected": "{{inputs.expected}}"}],
    result_key="counted",
)
builder.timeout(Duration.seconds(30))
builder.precondition("{{inputs.source}}", "in_set", ["north", "south"], "there are two sources: north and south")
builder.postcondition("{{counted.rows}}", "in_range", [1, 1_000_000], "an empty file is no delivery")
builder.on_failure("complain").on_success("thank")
builder.task("complain", "tools.log.error", args=["{{failed_task_id}}: {{error_message}}"])
builder.task("thank", "tools.log.info", args=["{{inputs.source}} delivered {{counted.rows}} rows"])
builder.task("import_rows", "tools.log.info", args=["imported"], dependencies=["count_rows"])
workflow = builder.build()
