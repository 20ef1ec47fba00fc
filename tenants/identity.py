"""Who somebody is where people decide: one person, whichever way they came in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from highway_platform.kit.permissions import Grant

from .models import ApiKey, Membership


@dataclass(frozen=True, slots=True)
class Identity:
    """A person (or a key that nobody owns), and what else they go by in their tenant: ``role:<name>`` and ``key:<prefix>``."""

    person: str
    names: tuple[str, ...] = ()


def identity_of(grant: Grant) -> Identity:
    """The person behind a grant. A key speaks for whoever made it: otherwise one person with three keys would be a quorum of three."""
    if grant.kind == "key":
        key = ApiKey.objects.select_related("created_by").get(prefix=grant.who.removeprefix("key:"))
        if key.created_by is None:
            return Identity(grant.who)
        return Identity(key.created_by.email, _names(grant.tenant_id, key.created_by.pk))
    return Identity(grant.who, _names(grant.tenant_id, grant.user_id) if grant.user_id else ())


def _names(tenant_id: uuid.UUID, user_id: uuid.UUID) -> tuple[str, ...]:
    membership = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id).only("roles").first()
    keys = ApiKey.objects.filter(tenant_id=tenant_id, created_by_id=user_id).values_list("prefix", flat=True)
    roles = membership.roles if membership else []
    return (*(f"role:{role}" for role in roles), *(f"key:{prefix}" for prefix in keys))
