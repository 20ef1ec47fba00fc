"""WCP-37 Acyclic Synchronizing Merge: a task waits for those of its incoming paths that were taken, wherever in the graph that was decided.

Here: a task that depends on the ends of all paths. What is not taken is skipped, and a skip is passed on, so each dependency is certain to be heard
of; the default rule then asks for one success and no failure.
"""

from highway_dsl import Workflow, WorkflowBuilder

INPUTS = {"amount": 40, "country": "Norway"}
EXPECTED = {
    "done": ["declare", "stamp", "label", "send"],
    "never": ["insure"],
    "order": [["declare", "stamp", "send"], ["label", "send"]],
}


def declared(side: WorkflowBuilder) -> WorkflowBuilder:
    """The path of goods that go abroad."""
    side.task("declare", "tools.log.info", args=["declared for {{country}}"])
    return side.task("stamp", "tools.log.info", args=["stamped"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp37_acyclic_synchronizing_merge")
    builder.task("pack", "tools.log.info", args=["packed"])
    builder.condition(
        "is_valuable",
        "{{amount}} > 500",
        if_true=lambda side: side.task("insure", "tools.log.info", args=["insured"]),
        if_false=lambda side: side,
        dependencies=["pack"],
    )
    builder.condition(
        "goes_abroad", "{{country}} != 'home'", if_true=declared, if_false=lambda side: side, dependencies=["pack"]
    )
    builder.task("label", "tools.log.info", args=["labelled"], dependencies=["pack"])
    builder.task("send", "tools.log.info", args=["sent"], dependencies=["insure", "stamp", "label"])
    return builder.build()
