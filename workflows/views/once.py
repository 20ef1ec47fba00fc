"""A form that is sent twice has one effect: pages carry a fresh key, and the engine keeps what was answered under it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.http import Http404

from engine import facade
from highway_platform.kit.requests import Request
from highway_platform.kit.tenancy import tenant_transaction

KEY_LENGTH = 200


def do_once(request: Request, work: Callable[[Any], UUID]) -> UUID:
    """Do the work in one transaction with its key and give the run (or schedule) that it is about; the second time only give that."""
    tenant_id = request.grant.tenant_id
    key = f"form:{request.POST.get('key', '')[:KEY_LENGTH]}"
    try:
        with tenant_transaction(tenant_id) as connection:
            before = facade.claim_key(connection, tenant_id=tenant_id, key=key, request_hash=_hash(request))
            if before and before.workflow_run_id:
                return before.workflow_run_id
            run_id = work(connection)
            facade.answer(connection, tenant_id=tenant_id, key=key, status=303, body=None, workflow_run_id=run_id)
            return run_id
    except facade.NotFoundError as missing:
        raise Http404 from missing


def _hash(request: Request) -> str:
    """What is asked, without the token that changes from page to page."""
    asked = sorted((name, value) for name, value in request.POST.items() if name != "csrfmiddlewaretoken")
    return sha256(repr((request.path, asked)).encode()).hexdigest()
