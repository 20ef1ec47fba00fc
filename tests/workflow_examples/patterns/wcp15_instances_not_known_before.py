"""WCP-15 Multiple Instances without a priori Run-Time Knowledge: more instances are added while some are at work; at last all are waited for.

Here: a branch with a `while` that takes a signal each round and forks an instance for it. A branch has ended when all that it forked has, so whoever
waits for the branch waits for all instances.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["scan", "scan", "scan", "depart"], "order": [["scan", "depart"]]}
DURING = [
    {"when": "parcel waiting", "signal": "parcel", "payload": "first"},
    {"when": "parcel succeeded", "signal": "parcel", "payload": "second"},
    {"when": "scanner waiting 2", "event": "scan_second"},
    {"when": "scan succeeded", "signal": "parcel", "payload": "third"},
    {"when": "scanner waiting 2", "signal": "parcel", "payload": "no more"},
    {"when": "parcel succeeded 4", "event": "scan_third"},
    {"when": "scan succeeded 2", "event": "scan_first"},
]


def instance(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Works when the scanner is free."""
    branch.wait_for_event("scanner", "scan_{{parcel.payload}}")
    return branch.task("scan", "tools.log.info", args=["the {{parcel.payload}} parcel"])


def one_signal(body: WorkflowBuilder) -> WorkflowBuilder:
    """Takes a signal: a parcel, or the end of them."""
    body.task("parcel", "tools.workflow.receive_signal", args=["parcel"])
    return body.condition(
        "is_one",
        "{{parcel.payload}} != 'no more'",
        if_true=lambda side: side.parallel("add", branches={"instance": instance}),
        if_false=lambda side: side,
    )


def take_parcels(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Adds instances until there are no more."""
    return branch.while_loop("more", "{{parcel.payload | default('')}} != 'no more'", loop_body=one_signal)


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp15_instances_not_known_before")
    builder.parallel_with_join("parcels", branches={"all": take_parcels})
    builder.task("depart", "tools.log.info", args=["all on board"])
    return builder.build()
