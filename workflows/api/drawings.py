"""Drawings of runs and of definitions, as text that other programs draw or show."""

from __future__ import annotations

import uuid
from typing import Any

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.router import requires

from .. import selectors
from ..graph.formats import DrawingFormat, drawn
from ..graph.read import read_graph
from ..graph.states import roll_up
from ..graph.texts import as_json
from .router import router


@router.get("/workflows/{uuid:workflow_run_id}/graph/{drawing_format}", url_name="run-drawing", tags=["workflows"])
@requires("workflows.run:read")
def show_run_drawing(request: Request, workflow_run_id: uuid.UUID, drawing_format: DrawingFormat) -> dict[str, Any]:
    """The graph of a run with its states, as Mermaid, DOT or SVG."""
    state = selectors.run_state(request.grant, workflow_run_id)
    root = read_graph(state.definition.definition)
    states = roll_up(root, state.steps, run_is_open=state.run.is_open)
    labels = {"workflow_run_id": str(workflow_run_id), "workflow_name": root.label}
    return success({**labels, "format": drawing_format, drawing_format: drawn(root, states, drawing_format)})


@router.get("/workflows/definitions/{uuid:definition_id}/graph", url_name="definition-graph", tags=["definitions"])
@requires("workflows.definition:read")
def show_definition_graph(request: Request, definition_id: uuid.UUID) -> dict[str, Any]:
    """The graph of a definition as nodes and edges, and as Mermaid text."""
    root = read_graph(selectors.definition_get(request.grant, definition_id=definition_id).definition)
    labels = {"definition_id": str(definition_id), "workflow_name": root.label}
    return success({**labels, **as_json(root, {}), "graph": drawn(root, {}, "mermaid")})


@router.get(
    "/workflows/definitions/{uuid:definition_id}/graph/{drawing_format}",
    url_name="definition-drawing",
    tags=["definitions"],
)
@requires("workflows.definition:read")
def show_definition_drawing(
    request: Request, definition_id: uuid.UUID, drawing_format: DrawingFormat
) -> dict[str, Any]:
    """The graph of a definition as Mermaid, DOT or SVG."""
    root = read_graph(selectors.definition_get(request.grant, definition_id=definition_id).definition)
    labels = {"definition_id": str(definition_id), "workflow_name": root.label}
    return success({**labels, "format": drawing_format, drawing_format: drawn(root, {}, drawing_format)})
