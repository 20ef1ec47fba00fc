"""Route by kind

Look at what came in, run the one path that fits it, and go on together. What no path fits is ended early, with a reason.

Tags: switch, terminate
Inputs: {"kind": "invoice", "document": "D-77"}
"""

from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("switch_routing", version="1.0.0")
builder.switch(
    "route", "{{inputs.kind}}", cases={"invoice": "book_invoice", "complaint": "open_ticket"}, default="not_for_us"
)
builder.task("book_invoice", "tools.log.info", args=["{{inputs.document}} is booked"], dependencies=["route"])
builder.task("open_ticket", "tools.log.info", args=["a ticket for {{inputs.document}}"], dependencies=["route"])
builder.terminate(
    "not_for_us",
    status="cancelled",
    reason="documents of the kind {{inputs.kind}} are not for us",
    dependencies=["route"],
)
builder.task(
    "archive", "tools.log.info", args=["{{inputs.document}} is archived"], dependencies=["book_invoice", "open_ticket"]
)
workflow = builder.build()
