"""Reading and changing stored code. Each change is a fact of the audit trail, in its transaction."""

from __future__ import annotations

import uuid
from typing import Any

from engine import facade
from engine.model.artifacts import Artifact, ModuleVersion, UsedCode
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction
from tenants.audit import audit_record

from .shapes import ArtifactQuery, ModuleQuery

WRITE = "workflows.code:write"


def artifact_list(grant: Grant, query: ArtifactQuery) -> list[Artifact]:
    """Artifacts by their hashes, one more than the page."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_artifacts(
            connection, tenant_id=grant.tenant_id, after=query.after, quantity=query.page_size + 1
        )


def artifact_get(grant: Grant, artifact_id: str) -> bytes:
    """The zip file."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_artifact(connection, tenant_id=grant.tenant_id, sha256=artifact_id)


def artifact_exists(grant: Grant, artifact_id: str) -> bool:
    """Whether the tenant has it."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.has_artifact(connection, tenant_id=grant.tenant_id, sha256=artifact_id)


def artifact_store(grant: Grant, connection: Any, content: bytes) -> str:
    """Keep a zip file; its id."""
    grant.require(WRITE)
    artifact_id, is_new = facade.store_artifact(connection, tenant_id=grant.tenant_id, content=content, by=grant.who)
    if is_new:
        _record(grant, "artifact.stored", artifact_id, bytes=len(content))
    return artifact_id


def artifact_delete(grant: Grant, connection: Any, artifact_id: str) -> None:
    """Delete an artifact that nothing needs."""
    grant.require(WRITE)
    facade.delete_artifact(connection, tenant_id=grant.tenant_id, sha256=artifact_id)
    _record(grant, "artifact.deleted", artifact_id)


def module_list(grant: Grant, query: ModuleQuery, name: str | None = None) -> list[ModuleVersion]:
    """Versions by module and number, one more than the page."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_modules(
            connection,
            tenant_id=grant.tenant_id,
            name=name,
            after=(query.after_name, query.after_version),
            quantity=query.page_size + 1,
        )


def module_store(grant: Grant, connection: Any, name: str, content: bytes) -> tuple[str, int]:
    """Make the content the newest version of a module; hash and version."""
    grant.require(WRITE)
    sha256, version = facade.store_module(
        connection, tenant_id=grant.tenant_id, name=name, content=content, by=grant.who
    )
    _record(grant, "module.stored", name, version=version, sha256=sha256)
    return sha256, version


def module_delete(grant: Grant, connection: Any, name: str) -> int:
    """Forget a module; how many versions it had."""
    grant.require(WRITE)
    versions = facade.delete_module(connection, tenant_id=grant.tenant_id, name=name)
    _record(grant, "module.deleted", name, versions=versions)
    return versions


def run_code(grant: Grant, workflow_run_id: uuid.UUID) -> list[UsedCode]:
    """Which code a run uses."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_run_code(connection, tenant_id=grant.tenant_id, workflow_run_id=workflow_run_id)


def _record(grant: Grant, action: str, target: str, **details: Any) -> None:
    audit_record(
        action=action,
        actor_kind=grant.kind,
        actor=grant.who,
        tenant_id=grant.tenant_id,
        target=target,
        details=details,
    )
