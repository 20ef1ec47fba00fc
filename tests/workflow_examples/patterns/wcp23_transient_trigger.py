"""WCP-23 Transient Trigger: a signal from outside starts a task that waits for it; one that comes when nobody waits is lost.

Arranged: signals are kept, so whoever wants only fresh ones throws away the old ones first. Durable code does it in four lines.
"""

from highway_dsl import Workflow, WorkflowBuilder

LISTEN = """
def main(ctx):
    try:
        while True:
            ctx.signal("ring", timeout=0)  # what has come before is lost
    except StepFailed:
        ctx.step("sit down", lambda: "at the telephone")
    return ctx.signal("ring")["payload"]
"""
EXPECTED = {"done": ["listen", "talk"], "result": {"listen": "in time"}}
DURING = [
    {"when": "come_home waiting", "signal": "ring", "payload": "too early"},
    {"when": "come_home waiting", "event": "home"},
    {"when": "listen.sit down succeeded", "signal": "ring", "payload": "in time"},
]


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp23_transient_trigger")
    builder.wait_for_event("come_home", "home")
    builder.task("listen", "tools.code.durable", kwargs={"code": LISTEN})
    builder.task("talk", "tools.log.info", args=["who rang {{listen}}?"])
    return builder.build()
