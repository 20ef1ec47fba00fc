"""WCP-31 Blocking Partial Join: when N of M branches have arrived, the next task begins; each branch arrives once before any may arrive again.

Arranged: as the blocking discriminator (WCP-28), waiting for the second arrival of a round instead of the first.
"""

from highway_dsl import Workflow, WorkflowBuilder

NAMES = ["ann", "bob", "cid"]
EXPECTED = {
    "done": ["ann_ready", "bob_ready", "cid_ready", "play"] * 2,
    "order": [
        ["bob_ready 1", "ann_ready 1", "play 1", "cid_ready 1"],
        ["cid_ready 1", "ann_ready 2", "play 2", "bob_ready 2"],
        ["cid_ready 2", "play 2"],
    ],
}
DURING = [
    {"when": [f"{name}_comes waiting" for name in NAMES], "event": "bob_1"},
    {"when": "bob_ready succeeded", "event": "ann_1"},
    {"when": "play succeeded", "event": "ann_2"},  # too early: she is still blocked
    {"when": "ann_blocked waiting", "event": "cid_1"},
    {"when": ["bob_comes waiting", "cid_comes waiting"], "event": "cid_2"},
    {"when": "play succeeded 2", "event": "bob_2"},
]


def player(name: str):
    """A branch that arrives twice."""

    def one_game(body: WorkflowBuilder) -> WorkflowBuilder:
        body.wait_for_event(f"{name}_comes", name + "_{{loop.number}}")
        place = "wcp31/{{workflow_run_id}}/{{loop.number}}"
        body.task(f"{name}_ready", "tools.simple_counter.increment", args=[place])
        body.emit_event(f"{name}_tells", "arrival_{{loop.number}}_{{" + name + "_ready.value}}")
        return body.wait_for_event(f"{name}_blocked", "reset_{{loop.number}}")

    return lambda branch: branch.foreach(f"games_of_{name}", "range(2)", loop_body=one_game)


def partial_join(body: WorkflowBuilder) -> WorkflowBuilder:
    """Goes on with the second, and is ready anew after the last."""
    body.wait_for_event("enough", "arrival_{{loop.number}}_2")
    body.task("play", "tools.log.info", args=["two can play"], dependencies=["enough"])
    body.wait_for_event("last", "arrival_{{loop.number}}_3", dependencies=["enough"])
    return body.emit_event("reset", "reset_{{loop.number}}", dependencies=["last"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("wcp31_blocking_partial_join")
    builder.parallel("players", branches={name: player(name) for name in NAMES})
    builder.foreach("games", "range(2)", loop_body=partial_join)
    return builder.build()
