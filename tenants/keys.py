"""API keys: `hw_k1_`, then 192 random bits. The first part of those is the prefix a person recognises the key by."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
from django.db import connection, transaction
from django.utils import timezone
from psycopg.rows import args_row

from highway_platform.kit.permissions import Access

from .audit import audit_record
from .models import ApiKey, Tenant, User
from .permissions import PERMISSIONS

MARK = "hw_k1_"
PREFIX_LENGTH = 14
MIN_LENGTH = len(MARK) + 22
# Writing the time of each use would make every read a write: this is how old the time we show may be.
LAST_USED_GRAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``secret`` is the only copy there will ever be."""

    key: ApiKey
    secret: str


def api_key_create(
    *,
    tenant: Tenant,
    name: str,
    permissions: frozenset[str],
    created_by: User | None,
    expires_at: datetime | None,
    actor: str,
) -> NewKey:
    """Make a key for a tenant. The caller checked that whoever asks holds each of these permissions."""
    unknown = permissions - set(PERMISSIONS)
    if unknown:
        raise ValueError(f"unknown permissions: {', '.join(sorted(unknown))}")
    secret = MARK + secrets.token_urlsafe(24)
    with transaction.atomic():
        key = ApiKey.objects.create(
            tenant=tenant,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(secret),
            permissions=sorted(permissions),
            created_by=created_by,
            expires_at=expires_at,
        )
        audit_record(action="key.created", actor_kind="system", actor=actor, tenant_id=tenant.pk, target=key.prefix)
    return NewKey(key, secret)


def api_key_revoke(key: ApiKey, *, actor: str) -> None:
    """From the commit on the key opens nothing. Revoking twice changes nothing."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
            audit_record(
                action="key.revoked", actor_kind="user", actor=actor, tenant_id=key.tenant_id, target=key.prefix
            )


def access_of_key(secret: str) -> tuple[Access, Tenant] | None:
    """Who a key speaks for; None when it is unknown, expired, revoked, or its tenant is suspended."""
    if not secret.startswith(MARK) or len(secret) < MIN_LENGTH:
        return None
    key = _find(secret[:PREFIX_LENGTH])
    if key is None or not hmac.compare_digest(key.digest, _digest(secret)) or not _is_valid(key):
        return None
    _note_use(key)
    access = Access(
        kind="key",
        who=f"key:{key.prefix}",
        tenant_id=key.tenant_id,
        tenant_slug=key.slug,
        permissions=frozenset(key.permissions) & frozenset(PERMISSIONS),
    )
    return access, Tenant(id=key.tenant_id, schema_name=key.schema_name, slug=key.slug, name=key.name)


class _Found(NamedTuple):
    """A row of `_FIND`: the key, and its tenant."""

    prefix: str
    digest: bytes
    permissions: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    tenant_id: uuid.UUID
    schema_name: str
    slug: str
    name: str
    suspended_at: datetime | None


# Asked by every request, so it is prepared, and not put together anew by the ORM each time: that took a third of a request's own time.
_FIND = """
SELECT k.prefix, k.digest, k.permissions, k.expires_at, k.revoked_at, k.last_used_at, t.id, t.schema_name, t.slug, t.name, t.suspended_at
  FROM public.tenants_apikey AS k
  JOIN public.tenants_tenant AS t ON t.id = k.tenant_id
 WHERE k.prefix = %s
"""


def _find(prefix: str) -> _Found | None:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection, row_factory=args_row(_Found)) as cursor:
        return cursor.execute(_FIND, [prefix], prepare=True).fetchone()


def _digest(secret: str) -> bytes:
    """SHA-256 is enough here: the key has too many random bits to be guessed, unlike a password."""
    return hashlib.sha256(secret.encode()).digest()


def _is_valid(key: _Found) -> bool:
    expired = key.expires_at is not None and key.expires_at <= timezone.now()
    return key.revoked_at is None and not expired and key.suspended_at is None


def _note_use(key: _Found) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        ApiKey.objects.filter(prefix=key.prefix).update(last_used_at=now)
