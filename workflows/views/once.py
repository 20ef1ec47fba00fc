"""A form that is sent twice has one effect: pages carry a fresh key, and the engine keeps what was answered under it.

What is filled in is part of the key: who goes back and sends something else has asked for something else.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.http import Http404

from engine import facade
from highway_platform.kit.requests import Request
from highway_platform.kit.tenancy import tenant_transaction

KEY_LENGTH = 150


def do_once(request: Request, work: Callable[[Any], UUID]) -> UUID:
    """Do the work in one transaction with its key and give the run (or schedule) that it is about; the second time only give that."""

    def noted(connection: Any) -> tuple[UUID, str]:
        return work(connection), ""

    about, _ = _once(request, noted)
    return about


def say_once(request: Request, work: Callable[[Any], str]) -> str:
    """Do the work in one transaction with its key and give the sentence that tells what was done; the second time only give that."""

    def noted(connection: Any) -> tuple[UUID, str]:
        return request.grant.tenant_id, work(connection)

    _, said = _once(request, noted)
    return said


def _once(request: Request, work: Callable[[Any], tuple[UUID, str]]) -> tuple[UUID, str]:
    tenant_id = request.grant.tenant_id
    asked = _hash(request)
    key = f"form:{request.POST.get('key', '')[:KEY_LENGTH]}:{asked[:16]}"
    try:
        with tenant_transaction(tenant_id) as connection:
            before = facade.claim_key(connection, tenant_id=tenant_id, key=key, request_hash=asked)
            if before and before.workflow_run_id:
                return before.workflow_run_id, str(before.body or "")
            about, said = work(connection)
            facade.answer(connection, tenant_id=tenant_id, key=key, status=303, body=said, workflow_run_id=about)
            return about, said
    except facade.NotFoundError as missing:
        raise Http404 from missing


def _hash(request: Request) -> str:
    """What is asked, without the token that changes from page to page."""
    fields = ((name, request.POST.getlist(name)) for name in request.POST if name != "csrfmiddlewaretoken")
    return sha256(repr((request.path, request.GET.urlencode(), sorted(fields))).encode()).hexdigest()
