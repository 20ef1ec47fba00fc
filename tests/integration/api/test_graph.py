"""The graph of a run for other programs."""

from __future__ import annotations

from tests.integration.api.client import Client
from tests.integration.api.definitions import task, workflow
from workflows.graph.model import Node
from workflows.graph.texts import as_dot, as_mermaid

CHAIN = workflow(
    task("first", "tools.log.info", "1"), task("second", "tools.log.info", "2", after=("first",)), name="chain"
)
HOSTILE = '"]; evil'


def test_nodes_carry_the_states_of_the_run(owner: Client) -> None:
    run_id = owner.submit(CHAIN)
    owner.wait_until(run_id)
    graph = owner.get(f"/api/v1/workflows/{run_id}/graph").data
    assert [(node["id"], node["operator"], node["status"]) for node in graph["nodes"]] == [
        ("first", "task", "succeeded"),
        ("second", "task", "succeeded"),
    ]
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [("first", "second")]
    assert graph["graph"].startswith("flowchart TD")


def test_names_cannot_break_out_of_the_texts() -> None:
    root = Node("", "root", HOSTILE, children=(Node("a", "task", HOSTILE),))
    dot = as_dot(root, {})
    assert dot.startswith('digraph "\\"]; evil" {')
    assert dot.count("{") == dot.count("}") == 1
    assert 'n1["#34;]#59; evil"]' in as_mermaid(root, {})


def test_a_run_and_its_definition_come_as_mermaid_dot_and_svg(owner: Client, stranger: Client) -> None:
    run_id = owner.submit(CHAIN)
    run = owner.wait_until(run_id)
    for form, begins in (("mermaid", "flowchart TD"), ("dot", 'digraph "chain" {'), ("svg", "<svg xmlns=")):
        of_run = owner.get(f"/api/v1/workflows/{run_id}/graph/{form}").data
        of_definition = owner.get(f"/api/v1/workflows/definitions/{run['definition_id']}/graph/{form}").data
        assert of_run["workflow_name"] == of_definition["workflow_name"] == "chain"
        assert of_run[form].startswith(begins)
        assert of_definition[form].startswith(begins)
        assert of_run[form] != of_definition[form]  # the states are painted
        assert stranger.get(f"/api/v1/workflows/definitions/{run['definition_id']}/graph/{form}").code == "not_found"
    whole = owner.get(f"/api/v1/workflows/definitions/{run['definition_id']}/graph").data
    assert [node["status"] for node in whole["nodes"]] == ["pending", "pending"]
    assert owner.get(f"/api/v1/workflows/{run_id}/graph/png").status == 422
