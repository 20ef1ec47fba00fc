"""The workflow that a request names by its id, its hash, or its name."""

from __future__ import annotations

import uuid
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from engine import facade
from engine.model.views import DefinitionRef
from highway_platform.kit.permissions import Grant
from highway_platform.kit.rest.errors import ApiError, not_found

NAMES_LOOKED_AT = 500


def stored_definition(
    grant: Grant,
    connection: Any,
    *,
    definition_id: uuid.UUID | None,
    definition_hash: str | None,
    name: str | None,
    version: int | None,
) -> DefinitionRef:
    """The definition. Raises a 404 that repeats a wrong name, which is the caller's own word, and the nearest that there is."""
    found = facade.meant_definition(
        connection,
        tenant_id=grant.tenant_id,
        definition_id=definition_id,
        definition_hash=definition_hash.removeprefix("sha256:") if definition_hash else None,
        name=name,
        version=version,
    )
    if found is not None:
        return found
    if definition_id or definition_hash or not name:
        raise not_found()
    wanted = f"{name!r}" if version is None else f"{name!r} with version {version}"
    known = [
        each.name for each in facade.list_workflows(connection, tenant_id=grant.tenant_id, quantity=NAMES_LOOKED_AT)
    ]
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near and near[0] != name else ""
    raise ApiError(HTTPStatus.NOT_FOUND, "not_found", f"There is no workflow called {wanted}.{hint}")
