"""Finds the tenant in the path and what the signed-in person may do there.

`/t/<slug>/...` is served like an application mounted at `/t/<slug>`: the prefix becomes the script name, so that `reverse` and
`{% url %}` give addresses of the same tenant without naming it, and two tabs can show two tenants.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpResponse
from django.urls import set_script_prefix
from django.utils.functional import SimpleLazyObject

from highway_platform.kit.permissions import NOBODY, Access
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.errors import API_PREFIX
from highway_platform.kit.tenancy import enter_schema_of, leave_schema

from .keys import access_of_key
from .models import User
from .selectors import permissions_of, tenant_by_slug

TENANT_PATH = re.compile(r"^/t/(?P<slug>[a-z0-9_-]{1,40})(?P<rest>/.*)$")


class TenantMiddleware:
    """First of all: from the path to ``request.tenant`` (None for an unknown one), the URLs of tenants, and the schema."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        leave_schema()
        request.tenant = None
        match = TENANT_PATH.match(request.path_info)
        if match:
            self._enter(request, match["slug"], match["rest"])
        return self.get_response(request)

    @staticmethod
    def _enter(request: Request, slug: str, rest: str) -> None:
        """An unknown tenant gets the same URLs as a known one, so that nobody can tell them apart before signing in."""
        prefix = f"{request.META.get('SCRIPT_NAME', '')}/t/{slug}"
        request.META["SCRIPT_NAME"] = prefix
        request.path_info = rest
        request.urlconf = settings.HIGHWAY_TENANT_URLCONF
        set_script_prefix(f"{prefix}/")
        tenant = tenant_by_slug(slug)
        if tenant is not None:
            request.tenant = tenant
            enter_schema_of(tenant)


class AccessMiddleware:
    """After authentication: ``request.access``, found out when it is first asked for."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.access = cast(Access, SimpleLazyObject(lambda: _access_of(request)))
        return self.get_response(request)


def _access_of(request: Request) -> Access:
    return _access_by_key(request) if request.path.startswith(API_PREFIX) else _access_by_session(request)


def _access_by_key(request: Request) -> Access:
    """The API knows keys only: a session would let other sites act for whoever is signed in."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    secret = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    found = access_of_key(secret) if secret else None
    if found is None:
        return NOBODY
    access, tenant = found
    request.tenant = tenant
    enter_schema_of(tenant)
    return access


def _access_by_session(request: Request) -> Access:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return NOBODY
    tenant = request.tenant
    permissions = permissions_of(user.pk, tenant.pk) if tenant is not None else None
    if permissions is None:
        request.tenant = None  # a stranger's page must not even name it
        return Access(kind="user", who=user.email, user_id=user.pk)
    if user.last_tenant_id != tenant.pk:
        User.objects.filter(pk=user.pk).update(last_tenant=tenant)
    return Access(
        kind="user",
        who=user.email,
        user_id=user.pk,
        tenant_id=tenant.pk,
        tenant_slug=tenant.slug,
        permissions=permissions,
    )
