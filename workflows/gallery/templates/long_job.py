"""Long job with heartbeats

Hand a job that takes hours to an activity worker, do something else meanwhile, then wait for it. The job sends heartbeats with what it has
done: when its worker dies, another attempt goes on from there.

Tags: activity, heartbeat
Inputs: {"seconds": 1}
"""

from highway_dsl import RetryPolicy, WorkflowBuilder

builder = WorkflowBuilder("long_job", version="1.0.0")
builder.activity(
    "train",
    "tools.long_running.execute_with_heartbeat",
    kwargs={"duration_seconds": "{{inputs.seconds}}", "interval_seconds": 0.2},
    retry_policy=RetryPolicy(max_retries=3),
    metadata={"heartbeat_timeout": 30, "start_to_close_timeout": "PT6H"},
    result_key="job",
)
builder.task("meanwhile", "tools.log.info", args=["the job is {{job.activity_id}}"])
builder.task("trained", "tools.workflow.wait_for_activity", kwargs={"activity": "{{job}}"}, result_key="outcome")
builder.task("report", "tools.log.info", args=["trained in {{outcome.result.duration_seconds}} s"])
workflow = builder.build()
