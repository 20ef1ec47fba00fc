"""Reads of the public schema."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from .models import Membership, Role, Tenant, User
from .permissions import ROLES


def tenant_by_slug(slug: str) -> Tenant | None:
    """The tenant that is open for work under this slug."""
    tenant: Tenant | None = Tenant.objects.filter(slug=slug, suspended_at__isnull=True).first()
    return tenant


def tenants_of(user: User) -> QuerySet[Tenant]:
    """The tenants this person belongs to, by name."""
    tenants: QuerySet[Tenant] = Tenant.objects.filter(memberships__user=user, suspended_at__isnull=True).order_by(
        "name"
    )
    return tenants


def permissions_of(user_id: uuid.UUID, tenant_id: uuid.UUID) -> frozenset[str] | None:
    """What a person may do in a tenant; None when they do not belong to it."""
    membership = Membership.objects.filter(user_id=user_id, tenant_id=tenant_id).only("roles").first()
    return None if membership is None else permissions_of_roles(tenant_id, membership.roles)


def permissions_of_roles(tenant_id: uuid.UUID, names: list[str]) -> frozenset[str]:
    """The union of what these roles allow: fixed roles first, then the tenant's own; an unknown name allows nothing."""
    fixed = [ROLES[name] for name in names if name in ROLES]
    own_names = [name for name in names if name not in ROLES]
    own = (
        Role.objects.filter(tenant_id=tenant_id, name__in=own_names).values_list("permissions", flat=True)
        if own_names
        else []
    )
    return frozenset().union(*fixed, *own)
