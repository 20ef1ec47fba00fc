"""Writes the audit trail."""

from __future__ import annotations

import uuid
from typing import Any

from highway_platform.kit.requests import Request

from .models import AuditEntry, User

MAX_PATH = 254


def audit_record(
    *,
    action: str,
    outcome: str = "done",
    actor_kind: str,
    actor: str = "",
    tenant_id: uuid.UUID | None = None,
    target: str = "",
    details: dict[str, Any] | None = None,
    request: Request | None = None,
) -> AuditEntry:
    """Add one fact to the trail, in the transaction that is open, or in one of its own."""
    return AuditEntry.objects.create(
        action=action,
        outcome=outcome,
        actor_kind=actor_kind,
        actor=actor,
        tenant_id=tenant_id,
        target=target[:MAX_PATH],
        details=details or {},
        request_id=request.request_id if request is not None else "",
        address=request.META.get("REMOTE_ADDR") or None if request is not None else None,
    )


def sign_in_recorded(*, request: Request, user: User, **_: Any) -> None:
    """Receiver of Django's `user_logged_in`."""
    audit_record(action="user.signed_in", actor_kind="user", actor=user.email, request=request)


def sign_in_refused(*, credentials: dict[str, Any], request: Request | None = None, **_: Any) -> None:
    """Receiver of Django's `user_login_failed`: who it was meant to be, never the password."""
    claimed = str(credentials.get("email") or credentials.get("username") or "")
    audit_record(action="user.sign_in", outcome="refused", actor_kind="nobody", target=claimed, request=request)


def refusal_recorded(*, request: Request, permission: str, reason: str, **_: Any) -> None:
    """Receiver of `refused`: a refusal is a fact of its own, written after the refused work was rolled back."""
    access = request.access
    audit_record(
        action="access.refused",
        outcome="refused",
        actor_kind=access.kind,
        actor=access.who,
        tenant_id=access.tenant_id,
        target=request.path,
        details={"permission": permission, "reason": reason, "method": request.method},
        request=request,
    )
