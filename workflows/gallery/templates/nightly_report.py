"""Nightly report

Starts by itself every night, collects figures, and writes a line a person can read. The schedule stands in the definition: it takes effect
with the first run.

Tags: schedule
Inputs: {}
"""

from highway_dsl import WorkflowBuilder

REPORT = """
total = sum(figures)
result = {"total": total, "average": total / len(figures), "line": f"{len(figures)} shops sold {total}"}
"""

builder = WorkflowBuilder("nightly_report", version="1.0.0")
builder.set_schedule("30 2 * * *").set_catchup(False).add_tags("reports")
builder.task("collect", "tools.shell.run", args=["printf '[12, 30, 18]'"], result_key="collected")
builder.task(
    "read", "tools.code.exec", args=["import json; result = json.loads(text)", {"text": "{{collected.stdout}}"}]
)
builder.task("add_up", "tools.code.exec", args=[REPORT, {"figures": "{{read}}"}], result_key="report")
builder.task("publish", "tools.log.info", args=["{{ds}}: {{report.line}}"])
workflow = builder.build()
