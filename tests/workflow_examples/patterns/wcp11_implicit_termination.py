"""WCP-11 Implicit Termination: a run ends when nothing is left to do, without an end that all paths lead to.

Here: nothing to say at all. This one ends when a path of its graph and a branch have ended that nobody waits for.
"""

from highway_dsl import Duration, Workflow, WorkflowBuilder

EXPECTED = {"done": ["receive", "answer", "file", "tidy_up"], "order": [["receive", "answer"], ["receive", "file"]]}


def later(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Ends after everything else."""
    branch.wait("a_moment", Duration.seconds(0.2))
    return branch.task("tidy_up", "tools.log.info", args=["tidy"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp11_implicit_termination")
    builder.task("receive", "tools.log.info", args=["a letter"])
    builder.task("answer", "tools.log.info", args=["answered"], dependencies=["receive"])
    builder.task("file", "tools.log.info", args=["filed"], dependencies=["receive"])
    builder.parallel("aside", branches={"later": later}, dependencies=["receive"])
    return builder.build()
