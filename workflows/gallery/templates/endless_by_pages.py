"""Endless work, page by page

Work through something that never ends without a history that grows for ever: after each page the run ends and starts anew with the next
cursor, in one transaction.

Tags: continue as new, condition
Inputs: {"cursor": 0, "until": 2}
"""

from highway_dsl import WorkflowBuilder


def go_on(side: WorkflowBuilder) -> WorkflowBuilder:
    return side.task(
        "next_page",
        "tools.workflow.continue_as_new",
        kwargs={"inputs": {"cursor": "{{page.next}}", "until": "{{inputs.until}}"}},
    )


def stop(side: WorkflowBuilder) -> WorkflowBuilder:
    return side.task("finish", "tools.log.info", args=["worked through everything before {{page.next}}"])


builder = WorkflowBuilder("endless_by_pages", version="1.0.0")
builder.task(
    "work",
    "tools.code.exec",
    args=["result = {'next': cursor + 1}", {"cursor": "{{inputs.cursor}}"}],
    result_key="page",
)
builder.condition("more", "{{page.next}} < {{inputs.until}}", go_on, stop)
workflow = builder.build()
