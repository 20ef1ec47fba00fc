"""WCP-9 Structured Discriminator: the first of several branches to end lets the next task begin; the others end unheeded, then it is ready anew.

Here: a `join` in mode `any_of` over the tasks that wait for the branches. In a loop, a round is over when all of its branches are: every round has a
fresh one.
"""

from highway_dsl import JoinMode, Workflow, WorkflowBuilder

EXPECTED = {
    "done": ["by_phone", "by_mail", "take_offer"] * 2,
    "order": [["by_phone 1", "take_offer 1", "by_mail 1", "by_mail 2", "take_offer 2", "by_phone 2"]],
}
DURING = [
    {"when": "mail waiting", "event": "phone_monday"},
    {"when": "take_offer succeeded", "event": "mail_monday"},
    {"when": "by_mail succeeded", "event": "mail_tuesday"},
    {"when": "take_offer succeeded 2", "event": "phone_tuesday"},
]


def reply_by(way: str):
    """A branch that waits for a reply."""

    def build(branch: WorkflowBuilder) -> WorkflowBuilder:
        branch.wait_for_event(way, way + "_{{item}}")
        return branch.task(f"by_{way}", "tools.log.info", args=["a reply by " + way + " on {{item}}"])

    return build


def one_day(body: WorkflowBuilder) -> WorkflowBuilder:
    """Asks twice and takes the first offer."""
    body.parallel("ask", branches={"phone": reply_by("phone"), "mail": reply_by("mail")})
    for way in ("phone", "mail"):
        body.task(f"{way}_over", "tools.workflow.wait_for_branch", args=["{{ask}}", way], dependencies=["ask"])
    replies = ["phone_over", "mail_over"]
    body.join("first_reply", join_tasks=replies, join_mode=JoinMode.ANY_OF, dependencies=replies)
    return body.task("take_offer", "tools.log.info", args=["taken on {{item}}"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp09_structured_discriminator")
    builder.foreach("days", '["monday", "tuesday"]', loop_body=one_day)
    return builder.build()
