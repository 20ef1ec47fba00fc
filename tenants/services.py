"""Changes to tenants, people and memberships."""

from __future__ import annotations

from django.db import connection, transaction

from highway_platform.kit.database import grant_schema_to_web
from highway_platform.kit.tenancy import leave_schema

from .audit import audit_record
from .models import SLUG_FORM, Membership, Role, Tenant, User, schema_of
from .permissions import ROLES

# Two tenants made at once would replace the same trigger functions of the public schema: one after the other.
TENANT_CREATION_LOCK = 7_160_001


def tenant_create(*, slug: str, name: str, actor: str) -> Tenant:
    """Make a tenant with its schema, or give the one that has this slug. Runs as the owner of the tables."""
    if not SLUG_FORM.match(slug):
        raise ValueError(f"{slug!r} is no slug: lower-case letters, digits and '-', beginning with a letter")
    leave_schema()
    existing: Tenant | None
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TENANT_CREATION_LOCK])
            existing = Tenant.objects.filter(slug=slug).first()
            if existing is not None:
                return existing
            tenant = Tenant(slug=slug, name=name, schema_name=schema_of(slug))
            tenant.save(verbosity=0)
            grant_schema_to_web(tenant.schema_name)
            audit_record(action="tenant.created", actor_kind="system", actor=actor, tenant_id=tenant.pk, target=slug)
            return tenant
    finally:
        leave_schema()


def user_create(*, email: str, password: str | None, actor: str, is_staff: bool = False) -> tuple[User, bool]:
    """Make a person, or give the one with this address. The second value tells whether they are new."""
    existing = User.objects.filter(email=email.strip().lower()).first()
    if existing is not None:
        return existing, False
    with transaction.atomic():
        user = User.objects.create_user(email, password, is_staff=is_staff, is_superuser=is_staff)
        audit_record(action="user.created", actor_kind="system", actor=actor, target=user.email)
    return user, True


def membership_set(*, tenant: Tenant, user: User, roles: list[str], actor: str) -> Membership:
    """Give a person exactly these roles in a tenant. Raises ValueError for a role that neither we nor the tenant has."""
    own = set(Role.objects.filter(tenant=tenant).values_list("name", flat=True))
    unknown = [role for role in roles if role not in ROLES and role not in own]
    if unknown:
        raise ValueError(f"unknown roles: {', '.join(unknown)}")
    with transaction.atomic():
        membership, _ = Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"roles": roles})
        audit_record(
            action="membership.set",
            actor_kind="system",
            actor=actor,
            tenant_id=tenant.pk,
            target=user.email,
            details={"roles": roles},
        )
    return membership
