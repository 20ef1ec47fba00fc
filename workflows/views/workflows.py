"""Workflows by name, and the newest definition of each."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engine import facade
from highway_platform.kit.edges import screen
from highway_platform.kit.requests import Request
from workflows import selectors
from workflows.pages.drawing import picture_of_definition
from workflows.services import SUBMIT

PAGE_SIZE = 50


@require_safe
@screen("workflows.definition:read")
def workflow_list(request: Request) -> HttpResponse:
    """Workflows by name, each with how its last runs went."""
    after = request.GET.get("after", "")
    workflows = selectors.workflow_list(request.grant, after_name=after, quantity=PAGE_SIZE + 1)
    context = {
        "area": "workflows",
        "workflows": workflows[:PAGE_SIZE],
        "next": workflows[PAGE_SIZE - 1].name if len(workflows) > PAGE_SIZE else "",
        "may_submit": request.grant.permits(SUBMIT),
    }
    return render(request, "pages/workflows/workflows.html", context)


@require_safe
@screen("workflows.definition:read")
def workflow_detail(request: Request, name: str) -> HttpResponse:
    """The newest definition of a workflow: its graph and its source."""
    try:
        definition = selectors.definition_get(request.grant, name=name)
    except facade.NotFoundError as missing:
        raise Http404 from missing
    picture = picture_of_definition(definition.definition)
    return render(
        request,
        "pages/workflows/workflow.html",
        {
            "area": "workflows",
            "definition": definition,
            "picture": picture,
            "may_submit": request.grant.permits(SUBMIT),
        },
    )
