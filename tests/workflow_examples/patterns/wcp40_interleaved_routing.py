"""WCP-40 Interleaved Routing: each of a set of tasks is done once, in any order, but never two at a time.

Here: a concurrency limit of 1 on the tasks, under a key that has the run's name; the public builder writes limits as `metadata`.
"""

from highway_dsl import Workflow, WorkflowBuilder

ROOM = {"limits": [{"kind": "concurrency", "key": "room of {{workflow_run_id}}", "limit": 1}]}
EXAMINE = """
import time

def main(ctx):
    with ctx.transaction("enter") as door:
        door.counter_add("wcp40/" + ctx.run_id)
    time.sleep(0.3)  # the examination
    with ctx.transaction("leave") as back:
        back.counter_add("wcp40/" + ctx.run_id, -1)
    return {"people_in_the_room": door.results[0]}
"""
EXPECTED = {
    "done": ["blood", "heart", "lungs", "diagnose"],
    "order": [["blood", "diagnose"], ["heart", "diagnose"], ["lungs", "diagnose"]],
    "result": {f"{test}.people_in_the_room": 1 for test in ("blood", "heart", "lungs")},
}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp40_interleaved_routing")
    for test in ("blood", "heart", "lungs"):
        builder.task(test, "tools.code.durable", kwargs={"code": EXAMINE}, dependencies=[], metadata=ROOM)
    builder.task("diagnose", "tools.log.info", args=["healthy"], dependencies=["blood", "heart", "lungs"])
    return builder.build()
