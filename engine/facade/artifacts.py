"""Code of tenants for `tools.python.run`: artifacts under their hash, stored modules with versions, and what a run uses of them."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import InvalidError, NotFoundError
from engine.db.queries import load
from engine.facade.reads import get_run
from engine.facade.tenancy import tenant_transaction
from engine.kit.archives import BadArchiveError, archive_of_module, check_archive, has_module
from engine.model.artifacts import MAX_ARTIFACT_BYTES, Artifact, ModuleVersion, UsedCode

_sql = load("artifact")
_MODULE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def store_artifact(connection: Connection, *, tenant_id: UUID, content: bytes, by: str = "") -> tuple[str, bool]:
    """Keep a zip file of Python modules; its SHA-256, and whether it is new. Raises `InvalidError` for what may not be stored."""
    if len(content) > MAX_ARTIFACT_BYTES:
        raise InvalidError(f"the artifact is {len(content):,} bytes; the limit is {MAX_ARTIFACT_BYTES:,}")
    try:
        check_archive(content)
    except BadArchiveError as error:
        raise InvalidError(f"the artifact cannot be stored: {error}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    with tenant_transaction(connection, tenant_id):
        row = _sql.store.one(connection, tenant_id=tenant_id, sha256=sha256, content=content, by=by)
    return sha256, bool(row and row["is_new"])


def list_artifacts(connection: Connection, *, tenant_id: UUID, after: str = "", quantity: int = 100) -> list[Artifact]:
    """Artifacts by their hashes, behind one of them."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list.many(connection, tenant_id=tenant_id, after=after, quantity=quantity)
    return [Artifact(**row) for row in rows]


def get_artifact(connection: Connection, *, tenant_id: UUID, sha256: str) -> bytes:
    """The content of an artifact. Raises `NotFoundError`, alike for unknown ones and those of other tenants."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id, sha256=sha256)
    if row is None:
        raise NotFoundError(f"no artifact {sha256}")
    return bytes(row["content"])


def has_artifact(connection: Connection, *, tenant_id: UUID, sha256: str) -> bool:
    """Whether the tenant has an artifact of that hash."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.exists.one(connection, tenant_id=tenant_id, sha256=sha256)
    return bool(row and row["is_there"])


def delete_artifact(connection: Connection, *, tenant_id: UUID, sha256: str) -> None:
    """Delete an artifact. Raises `NotFoundError`, and `StateError` while a module is made of it or an open run uses it."""
    with tenant_transaction(connection, tenant_id):
        _sql.delete.run(connection, tenant_id=tenant_id, sha256=sha256)


def store_module(
    connection: Connection, *, tenant_id: UUID, name: str, content: bytes, by: str = ""
) -> tuple[str, int]:
    """Make source text, or a zip file with the module or package in it, the newest version of a module; its hash and version.

    The same code as the newest version's changes nothing. Raises `InvalidError` for what is neither.
    """
    if not _MODULE_NAME.fullmatch(name):
        raise InvalidError(f"{name!r} cannot be the name of a module")
    if not content.startswith(b"PK"):
        content = _archived(name, content)
    with tenant_transaction(connection, tenant_id):
        sha256, _ = store_artifact(connection, tenant_id=tenant_id, content=content, by=by)
        if not has_module(content, name):
            raise InvalidError(f"the zip file has neither {name}.py nor a folder {name}/ at its top")
        row = _sql.store_module.one(connection, tenant_id=tenant_id, name=name, sha256=sha256, by=by)
    return sha256, int(row["version"]) if row else 0


def list_modules(
    connection: Connection,
    *,
    tenant_id: UUID,
    name: str | None = None,
    after: tuple[str, int] = ("", 0),
    quantity: int = 100,
) -> list[ModuleVersion]:
    """Versions of one module or of all, by name and version, behind one of them."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list_modules.many(
            connection,
            tenant_id=tenant_id,
            name=name,
            after_name=after[0],
            after_version=after[1],
            quantity=quantity,
        )
    return [ModuleVersion(**row) for row in rows]


def delete_module(connection: Connection, *, tenant_id: UUID, name: str) -> int:
    """Forget a module; how many versions it had. Runs that have used it go on with their code. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        gone = _sql.delete_module.many(connection, tenant_id=tenant_id, name=name)
    if not gone:
        raise NotFoundError(f"no module {name}")
    return len(gone)


def list_run_code(connection: Connection, *, tenant_id: UUID, workflow_run_id: UUID) -> list[UsedCode]:
    """Which code a run has used so far, and goes on using. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        get_run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        rows = _sql.used_by_run.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
    return [UsedCode(**row) for row in rows]


def _archived(name: str, source: bytes) -> bytes:
    """Not compiled here: that is for the sandbox, where the source is imported."""
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        raise InvalidError("the module is neither a zip file nor text in UTF-8") from error
    if not text.strip() or "\0" in text:
        raise InvalidError("the module is empty, or no text")
    return archive_of_module(name, source)
