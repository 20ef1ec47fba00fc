"""API keys: `hw_k1_`, then 192 random bits. The first part of those is the prefix a person recognises the key by."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

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
    key = ApiKey.objects.select_related("tenant").filter(prefix=secret[:PREFIX_LENGTH]).first()
    if key is None or not hmac.compare_digest(bytes(key.digest), _digest(secret)) or not _is_valid(key):
        return None
    _note_use(key)
    access = Access(
        kind="key",
        who=f"key:{key.prefix}",
        tenant_id=key.tenant_id,
        tenant_slug=key.tenant.slug,
        permissions=frozenset(key.permissions) & frozenset(PERMISSIONS),
    )
    return access, key.tenant


def _digest(secret: str) -> bytes:
    """SHA-256 is enough here: the key has too many random bits to be guessed, unlike a password."""
    return hashlib.sha256(secret.encode()).digest()


def _is_valid(key: ApiKey) -> bool:
    expired = key.expires_at is not None and key.expires_at <= timezone.now()
    return key.revoked_at is None and not expired and key.tenant.suspended_at is None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
