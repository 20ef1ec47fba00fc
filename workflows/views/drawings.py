"""Drawings to take away: the graph of a run, of a workflow's newest definition, or of a template, as a file."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from engine import facade
from highway_platform.kit.edges import screen
from highway_platform.kit.requests import Request
from workflows import selectors
from workflows.gallery.catalog import templates
from workflows.graph.formats import FILES, DrawingFormat, drawn
from workflows.graph.model import Node
from workflows.graph.read import read_graph
from workflows.graph.states import NodeState, roll_up


@require_safe
@screen("workflows.run:read")
def run_drawing(request: Request, run_id: UUID, drawing_format: DrawingFormat) -> HttpResponse:
    """The graph of a run with the states that its steps have now."""
    try:
        state = selectors.run_state(request.grant, run_id)
    except facade.NotFoundError as missing:
        raise Http404 from missing
    root = read_graph(state.definition.definition)
    states = roll_up(root, state.steps, run_is_open=state.run.is_open)
    return _file(root, states, drawing_format, f"{state.run.name}-{run_id}")


@require_safe
@screen("workflows.definition:read")
def workflow_drawing(request: Request, name: str, drawing_format: DrawingFormat) -> HttpResponse:
    """The graph of a workflow's newest definition."""
    try:
        definition = selectors.definition_get(request.grant, name=name)
    except facade.NotFoundError as missing:
        raise Http404 from missing
    return _file(read_graph(definition.definition), {}, drawing_format, f"{name}-v{definition.version}")


@require_safe
@screen("workflows.definition:read")
def template_drawing(request: Request, template_name: str, drawing_format: DrawingFormat) -> HttpResponse:  # noqa: ARG001 - every tenant's
    """The graph of a template of the gallery."""
    template = templates().get(template_name)
    if template is None:
        raise Http404
    return _file(read_graph(template.definition), {}, drawing_format, template_name)


def _file(root: Node, states: Mapping[str, NodeState], form: DrawingFormat, name: str) -> HttpResponse:
    """The drawing as a download. An SVG is never opened as a page of this site: it is always an attachment."""
    kind = FILES[form]
    answer = HttpResponse(drawn(root, states, form), content_type=f"{kind.media_type}; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.{kind.ending}")
    answer["Cache-Control"] = "private, no-store"
    return answer
