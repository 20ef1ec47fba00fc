"""Stored definitions, by id, by hash, by name and version."""

from __future__ import annotations

import uuid
from typing import Any

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.router import requires

from .. import presenters, selectors
from .router import router

TAGS = ["definitions"]


@router.get("/workflows/definitions/{uuid:definition_id}", url_name="definition-detail", tags=TAGS)
@requires("workflows.definition:read")
def show_definition(request: Request, definition_id: uuid.UUID) -> dict[str, Any]:
    """A definition with the source its author wrote."""
    return success(_shown(request, definition_id=definition_id))


@router.get("/workflows/by-hash/{definition_hash}", url_name="definition-by-hash", tags=TAGS)
@requires("workflows.definition:read")
def show_definition_by_hash(request: Request, definition_hash: str) -> dict[str, Any]:
    """A definition by the SHA-256 of its canonical JSON, with or without its `sha256:` prefix."""
    return success(_shown(request, definition_hash=definition_hash.removeprefix("sha256:")))


@router.get("/workflows/{workflow_name}/versions/{int:version}", url_name="definition-by-version", tags=TAGS)
@requires("workflows.definition:read")
def show_definition_by_version(request: Request, workflow_name: str, version: int) -> dict[str, Any]:
    """A definition by its name and version."""
    return success(_shown(request, name=workflow_name, version=version))


@router.get("/workflows/definitions/json/{uuid:definition_id}", url_name="definition-json", tags=TAGS)
@requires("workflows.definition:read")
def show_definition_json(request: Request, definition_id: uuid.UUID) -> dict[str, Any]:
    """The definition alone, without sources."""
    return success(_part(request, definition_id, "definition_json"))


@router.get("/workflows/definitions/dsl/python/{uuid:definition_id}", url_name="definition-python", tags=TAGS)
@requires("workflows.definition:read")
def show_definition_python(request: Request, definition_id: uuid.UUID) -> dict[str, Any]:
    """The Python source; null when the author wrote something else."""
    return success(_part(request, definition_id, "python_dsl"))


def _shown(request: Request, **label: Any) -> dict[str, Any]:
    shown = presenters.definition(selectors.definition_get(request.grant, **label))
    return {**shown, "tenant_id": str(request.grant.tenant_id)}


def _part(request: Request, definition_id: uuid.UUID, part: str) -> dict[str, Any]:
    shown = _shown(request, definition_id=definition_id)
    return {name: shown[name] for name in ("definition_id", "workflow_name", "version", part)}
