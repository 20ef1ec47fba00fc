"""Branches that talk by events

Two branches run at the same time; one of them stops at a point until the other says that it may go on. An event is heard whether it was
emitted before or after somebody waits for it.

Tags: events, parallel
Inputs: {"table": "orders"}
"""

from highway_dsl import WorkflowBuilder


def loader(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.task("load", "tools.shell.run", args=["printf 1250"], result_key="loaded")
    branch.emit_event("tell", "table_loaded", payload={"table": "{{inputs.table}}", "rows": "{{loaded.stdout}}"})
    return branch.task("tidy", "tools.log.debug", args=["removed the staging files"])


def indexer(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.task("prepare", "tools.log.debug", args=["made room for the index"])
    branch.wait_for_event("loaded", "table_loaded", timeout_seconds=600, result_key="news")
    return branch.task("index", "tools.log.info", args=["index over {{news.rows}} rows of {{news.table}}"])


builder = WorkflowBuilder("event_branches", version="1.0.0")
builder.parallel_with_join("work", {"loader": loader, "indexer": indexer}, timeout_seconds=900)
builder.task("analyse", "tools.log.info", args=["{{inputs.table}} can be asked"])
workflow = builder.build()
