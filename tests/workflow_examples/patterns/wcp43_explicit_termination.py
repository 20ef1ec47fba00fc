"""WCP-43 Explicit Termination: the run ends when a certain place is reached, whatever else is under way.

Here: `terminate`, with a status and a result; branches are cancelled, tasks that have not begun are skipped.
"""

from highway_dsl import Workflow, WorkflowBuilder

EXPECTED = {"done": ["sound_alarm"], "never": ["answer", "go_on"], "skipped": ["go_on"]}
DURING = [{"when": ["mail waiting", "visit waiting"], "event": "fire"}]


def office(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Something that is under way."""
    branch.wait_for_event("mail", "mail")
    return branch.task("answer", "tools.log.info", args=["Dear Sir or Madam"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp43_explicit_termination")
    builder.parallel("day", branches={"office": office})
    builder.wait_for_event("visit", "visit", dependencies=["day"])
    builder.task("go_on", "tools.log.info", args=["a visitor"], dependencies=["visit"])
    builder.wait_for_event("fire", "fire", dependencies=["day"])
    builder.task("sound_alarm", "tools.log.info", args=["everybody out"], dependencies=["fire"])
    builder.terminate("leave", status="completed", result={"building": "empty"}, dependencies=["sound_alarm"])
    return builder.build()
