"""The graph of a run: its definition's steps with the states that the run brought them to."""

from __future__ import annotations

import uuid
from typing import Any

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.router import requires

from .. import selectors
from ..graph.model import Node
from ..graph.read import read_graph
from ..graph.states import NodeState, roll_up
from ..graph.texts import as_dot, as_json, as_mermaid
from .router import router

TAGS = ["workflows"]


@router.get("/workflows/{uuid:workflow_run_id}/graph", url_name="run-graph", tags=TAGS)
@requires("workflows.run:read")
def show_graph(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """The graph as nodes and edges, and as Mermaid text."""
    root, states = _painted(request, workflow_run_id)
    mermaid = as_mermaid(root, states)
    return success(
        {
            "workflow_run_id": str(workflow_run_id),
            "workflow_name": root.label,
            **as_json(root, states),
            "graph": mermaid,
        }
    )


@router.get("/workflows/{uuid:workflow_run_id}/graph/dot", url_name="run-graph-dot", tags=TAGS)
@requires("workflows.run:read")
def show_graph_dot(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """The graph for Graphviz."""
    root, states = _painted(request, workflow_run_id)
    return success({"workflow_run_id": str(workflow_run_id), "workflow_name": root.label, "dot": as_dot(root, states)})


def _painted(request: Request, run_id: uuid.UUID) -> tuple[Node, dict[str, NodeState]]:
    state = selectors.run_state(request.grant, run_id)
    root = read_graph(state.definition.definition)
    return root, roll_up(root, state.steps, run_is_open=state.run.is_open)
