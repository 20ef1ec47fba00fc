"""WCP-20 Cancel Case: a whole run is withdrawn, with all that is under way in it.

Here: cancel, by API or page. Branches, activities and child runs are cancelled with it, and what was registered to be undone is.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"ends": "cancelled", "done": ["apply"], "never": ["pay_out", "congratulate"]}
DURING = [{"when": ["signature waiting", "appraisal waiting"], "cancel": "the applicant has died"}]


def appraise(branch: WorkflowBuilder) -> WorkflowBuilder:
    """A branch that is under way when the run is cancelled."""
    branch.wait_for_event("appraisal", "appraised")
    return branch.task("congratulate", "tools.log.info", args=["a fine house"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp20_cancel_case")
    builder.task("apply", "tools.log.info", args=["a mortgage, please"])
    builder.parallel("aside", branches={"appraiser": appraise})
    builder.wait_for_event("signature", "signed")
    builder.task("pay_out", "tools.log.info", args=["paid"])
    return builder.build()
