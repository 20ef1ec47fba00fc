"""Poll until ready

Start something elsewhere and ask for its state until it is ready. Between two questions nothing is held: no process, no connection. The loop
is bounded, and what comes too late fails the run.

Tags: loop, wait
Inputs: {"export": "customers"}
"""

from highway_dsl import Duration, WorkflowBuilder


def ask_again(body: WorkflowBuilder) -> WorkflowBuilder:
    body.wait("pause", Duration.seconds(0.3))
    # Stands for a call of tools.http.request: ready at the third question.
    check = "result = {'state': 'ready' if asked >= 2 else 'working'}"
    return body.task("ask", "tools.code.exec", args=[check, {"asked": "{{loop.index}}"}], result_key="job")


builder = WorkflowBuilder("poll_until_ready", version="1.0.0", deadline_seconds=3600)
builder.task("begin", "tools.log.info", args=["export of {{inputs.export}} begins"])
builder.while_loop("poll", "{{job.state}} != 'ready'", ask_again, max_iterations=100)
builder.task("fetch", "tools.log.info", args=["export of {{inputs.export}} is {{job.state}}"])
workflow = builder.build()
workflow.set_variables({"job": {"state": "unknown"}})
