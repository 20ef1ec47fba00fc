"""WCP-14 Multiple Instances with a priori Run-Time Knowledge: how many instances there are is known when they start; all are waited for.

Here: a parallel `foreach` over a list that an earlier step has made.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"parcels": 4}
EXPECTED = {
    "done": [*["weigh"] * 4, "load"],
    "order": [["list_parcels", "weigh", "load"]],
    "result": {"parcels.count": 4},
}


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp14_instances_known_at_run_time")
    builder.task("list_parcels", "tools.list_generator.generate_items", args=["{{inputs.parcels}}", "parcel"])
    builder.foreach(
        "parcels",
        "{{list_parcels}}",
        loop_body=lambda body: body.task("weigh", "tools.log.info", args=["{{item}} weighed"]),
        parallel=True,
    )
    builder.task("load", "tools.log.info", args=["loaded"])
    return builder.build()
