"""Templates to begin with. They are the platform's and the same for every tenant."""

from __future__ import annotations

from typing import Any

from ninja import Query

from engine import facade
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.router import requires

from ..gallery import catalog, presenters
from ..gallery.schemas import TemplateQuery
from .router import router

TAGS = ["dsl_templates"]


@router.get("/dsl_templates", url_name="template-list", tags=TAGS)
@requires("workflows.definition:read")
def list_templates(request: Request, query: Query[TemplateQuery]) -> dict[str, Any]:  # noqa: ARG001 - every tenant's
    """Templates by name, with what each shows and an example of its inputs; their sources come one by one."""
    found = [presenters.summary(one) for one in catalog.find(query.q, query.tag)]
    return success({"templates": found, "count": len(found), "tags": catalog.tags()})


@router.get("/dsl_templates/{template_name}", url_name="template-detail", tags=TAGS)
@requires("workflows.definition:read")
def show_template(request: Request, template_name: str) -> dict[str, Any]:  # noqa: ARG001 - every tenant's
    """One template with its source and its definition."""
    template = catalog.templates().get(template_name)
    if template is None:
        raise not_found()
    return success(presenters.whole(template))


@router.get("/dsl_prompt", url_name="dsl-prompt", tags=TAGS)
@requires("workflows.definition:read")
def show_prompt(request: Request) -> dict[str, Any]:  # noqa: ARG001 - every tenant's
    """An instruction for a language model to write workflows: the language, its rules, the tools of this platform, and examples that run."""
    return success({"prompt": facade.dsl_prompt()})
