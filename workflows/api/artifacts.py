"""Artifacts: zip files of Python code under the hash of their content."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja import Query

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from ..code import services
from ..code.shapes import ArtifactQuery, shown_artifact, shown_use
from ..code.uploads import uploaded
from .router import router

TAGS = ["artifacts"]


@router.post("/artifacts", url_name="artifact-store", tags=TAGS)
@requires("workflows.code:write")
def store_artifact(request: Request) -> HttpResponse:
    """Upload a zip file of Python modules for `tools.python.run`: the body itself, or the field ``artifact`` of a form. Its id is its SHA-256."""
    content = uploaded(request)

    def work(connection: Any) -> Outcome:
        artifact_id = services.artifact_store(request.grant, connection, content)
        told = {"artifact_id": artifact_id, "size": len(content)}
        return Outcome(told, HTTPStatus.CREATED, beside=told)

    return answer_once(request, work, content)


@router.get("/artifacts", url_name="artifact-list", tags=TAGS)
@requires("workflows.code:read")
def list_artifacts(request: Request, query: Query[ArtifactQuery]) -> dict[str, Any]:
    """Artifacts by their ids; ``next_after`` asks for the page behind this one."""
    found = services.artifact_list(request.grant, query)
    page = found[: query.page_size]
    ids = [artifact.sha256 for artifact in page]
    return success(
        {
            "artifacts": ids,
            "count": len(ids),
            "items": [shown_artifact(artifact) for artifact in page],
            "next_after": ids[-1] if len(found) > len(page) else None,
        }
    )


@router.get("/artifacts/{artifact_id}", url_name="artifact-detail", tags=TAGS)
@requires("workflows.code:read")
def get_artifact(request: Request, artifact_id: str) -> HttpResponse:
    """The zip file."""
    answer = HttpResponse(services.artifact_get(request.grant, artifact_id), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{artifact_id[:12]}.zip"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@router.get("/artifacts/{artifact_id}/exists", url_name="artifact-exists", tags=TAGS)
@requires("workflows.code:read")
def artifact_exists(request: Request, artifact_id: str) -> dict[str, Any]:
    """Whether there is such an artifact, so that it need not be sent again."""
    return success({"exists": services.artifact_exists(request.grant, artifact_id), "artifact_id": artifact_id})


@router.delete("/artifacts/{artifact_id}", url_name="artifact-delete", tags=TAGS)
@requires("workflows.code:write")
def delete_artifact(request: Request, artifact_id: str) -> HttpResponse:
    """Delete an artifact; refused (409) while a module is made of it or an open run uses it."""

    def work(connection: Any) -> Outcome:
        services.artifact_delete(request.grant, connection, artifact_id)
        return Outcome({"message": "Artifact deleted successfully", "artifact_id": artifact_id})

    return answer_once(request, work)


@router.get("/workflows/{uuid:workflow_run_id}/code", url_name="run-code", tags=["workflows"])
@requires("workflows.run:read")
def list_run_code(request: Request, workflow_run_id: uuid.UUID) -> dict[str, Any]:
    """Which stored code the run has used, and goes on using whatever is uploaded later."""
    used = services.run_code(request.grant, workflow_run_id)
    return success({"workflow_run_id": str(workflow_run_id), "code": [shown_use(one) for one in used]})
