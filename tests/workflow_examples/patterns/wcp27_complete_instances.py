"""WCP-27 Complete Multiple Instance Task: the instances that have not ended are withdrawn, and the run goes on as if all had ended.

Here: the branch with the parallel `foreach` emits `over` when all have ended. Whoever has waited long enough emits it from outside: the first counts.
Then the branch is cancelled, which changes nothing when it has ended.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["count_vote", "count_vote", "announce"],
    "order": [["count_vote", "announce"]],
    "result": {"result.value": 2},
}
DURING = [
    {"when": "vote waiting 3", "event": "vote_of_bob"},
    {"when": "count_vote succeeded", "event": "vote_of_ann"},
    {"when": "count_vote succeeded 2", "event": "over"},
]
VOTES = "wcp27/{{workflow_run_id}}"


def voter(body: WorkflowBuilder) -> WorkflowBuilder:
    """One instance."""
    body.wait_for_event("vote", "vote_of_{{item}}")
    return body.task("count_vote", "tools.simple_counter.increment", args=[VOTES])


def poll(branch: WorkflowBuilder) -> WorkflowBuilder:
    """All instances."""
    branch.foreach("voters", '["ann", "bob", "cid"]', loop_body=voter, parallel=True)
    return branch.emit_event("all_voted", "over")


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp27_complete_instances")
    builder.parallel("hold", branches={"poll": poll})
    builder.wait_for_event("poll_over", "over")
    builder.task("close_poll", "tools.workflow.cancel_branch", args=["{{hold}}", "poll"])
    builder.task("result", "tools.simple_counter.get", args=[VOTES])
    builder.task("announce", "tools.log.info", args=["{{result.value}} votes"])
    return builder.build()
