"""Stored modules: Python code under a name, in versions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.errors import not_found
from highway_platform.kit.rest.router import requires

from ..code import services
from ..code.shapes import ModuleQuery, shown_version
from ..code.uploads import uploaded
from .router import router

TAGS = ["modules"]


@router.get("/modules", url_name="module-list", tags=TAGS)
@requires("workflows.code:read")
def list_modules(request: Request, query: Query[ModuleQuery]) -> dict[str, Any]:
    """Every version of every module, by name and number."""
    found = services.module_list(request.grant, query)
    page = [shown_version(version) for version in found[: query.page_size]]
    return success({"modules": page, "count": len(page), "has_more": len(found) > len(page)})


@router.get("/modules/{module_name}", url_name="module-detail", tags=TAGS)
@requires("workflows.code:read")
def show_module(request: Request, module_name: str, query: Query[ModuleQuery]) -> dict[str, Any]:
    """The versions of one module."""
    found = services.module_list(request.grant, query, module_name)
    if not found:
        raise not_found()
    page = [shown_version(version) for version in found[: query.page_size]]
    return success({"module_name": module_name, "versions": page, "has_more": len(found) > len(page)})


@router.put("/modules/{module_name}", url_name="module-store", tags=TAGS)
@requires("workflows.code:write")
def store_module(request: Request, module_name: str) -> HttpResponse:
    """Upload the next version of a module: Python source, or a zip file with the module or package in it. Runs that are open keep their version."""
    content = uploaded(request)

    def work(connection: Any) -> Outcome:
        artifact_id, version = services.module_store(request.grant, connection, module_name, content)
        told = {"module_name": module_name, "version": version, "artifact_id": artifact_id}
        return Outcome(told, HTTPStatus.CREATED)

    return answer_once(request, work, content)


@router.delete("/modules/{module_name}", url_name="module-delete", tags=TAGS)
@requires("workflows.code:write")
def delete_module(request: Request, module_name: str) -> HttpResponse:
    """Forget a module. Its code stays as artifacts, and runs that have used it go on with it."""

    def work(connection: Any) -> Outcome:
        versions = services.module_delete(request.grant, connection, module_name)
        return Outcome({"module_name": module_name, "versions_deleted": versions})

    return answer_once(request, work)
