"""Named permissions and the grant that a service demands.

A permission is a name `area.thing:action`. Middleware or an API credential finds out who asks for which tenant and makes an
`Access` of it; an edge (kit.edges for pages, kit.rest for the API) checks it against the name that the route demands and mints
a `Grant`. Services and selectors take a grant, so no code path reaches them without a check.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.dispatch import Signal

PERMISSION_FORM = re.compile(r"^[a-z_]+\.[a-z_]+:[a-z_]+$")

# Sent with `request`, `permission` and `reason` whenever an edge refuses. The tenants app writes the audit entry.
refused = Signal()

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a person or key may do. ``aliases`` are the names that public clients use for it."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not PERMISSION_FORM.match(self.name):
            raise ValueError(f"{self.name!r} is not of the form area.thing:action")


class PermissionMissingError(Exception):
    """Who asks is known and belongs to the tenant, but lacks this permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, for which tenant, and what they may do there. ``kind`` is user, key, or nobody; a stranger has no tenant."""

    kind: str
    who: str = ""
    user_id: uuid.UUID | None = None
    tenant_id: uuid.UUID | None = None
    tenant_slug: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_known(self) -> bool:
        """Whether somebody signed in or a valid key was shown."""
        return self.kind != "nobody"


NOBODY = Access(kind="nobody")


@dataclass(frozen=True, slots=True)
class Grant:
    """Proof that an edge checked this caller for this tenant. Only edges and commands make one."""

    who: str
    kind: str
    tenant_id: uuid.UUID
    tenant_slug: str
    permissions: frozenset[str]
    user_id: uuid.UUID | None = None

    def permits(self, permission: str) -> bool:
        """Whether the caller holds this permission in this tenant."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise PermissionMissingError unless the caller holds this permission."""
        if permission not in self.permissions:
            raise PermissionMissingError(permission)


def mint_grant(access: Access, permission: str) -> Grant:
    """The grant for a caller who holds ``permission``. Raises PermissionMissingError otherwise."""
    if access.tenant_id is None or permission not in access.permissions:
        raise PermissionMissingError(permission)
    return Grant(
        who=access.who,
        kind=access.kind,
        tenant_id=access.tenant_id,
        tenant_slug=access.tenant_slug,
        permissions=access.permissions,
        user_id=access.user_id,
    )


def name_permission(view: View, permission: str) -> View:
    """Write the name of the permission on a view, where the system check and the permission matrix find it."""
    view.required_permission = permission  # type: ignore[attr-defined]
    return view
