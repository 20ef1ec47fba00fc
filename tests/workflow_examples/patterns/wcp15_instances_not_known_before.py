"""WCP-15 Multiple Instances without a priori Run-Time Knowledge: more instances are added while some are at work; at last all are waited for.

Here: a parallel `foreach` with `dynamic: true`, to which the signal `add_items` adds. It ends when all its instances have and no signal is left.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["scan", "scan", "scan", "depart"],
    "order": [["scan", "depart"]],
    "result": {"parcels.count": 3},
}
DURING = [
    {"when": "scanner waiting", "signal": "add_items", "payload": ["second"]},
    {"when": "scanner waiting 2", "event": "scan_second"},
    {"when": "scan succeeded", "signal": "add_items", "payload": ["third"]},
    {"when": "scanner waiting 2", "event": "scan_third"},
    {"when": "scan succeeded 2", "event": "scan_first"},
]


def instance(body: WorkflowBuilder) -> WorkflowBuilder:
    """Works when the scanner is free."""
    body.wait_for_event("scanner", "scan_{{item}}")
    return body.task("scan", "tools.log.info", args=["the {{item}} parcel"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp15_instances_not_known_before")
    builder.foreach("parcels", '["first"]', loop_body=instance, parallel=True, dynamic=True)
    builder.task("depart", "tools.log.info", args=["all on board"])
    return builder.build()
