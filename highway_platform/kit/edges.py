"""The edge of pages: `@screen` names a permission, lets its holders in, and turns everybody else away in the right way.

Nobody is sent to the sign-in page, a stranger to the tenant sees the same 404 as for a tenant that does not exist, and a member
without the permission gets a 403 that names it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse
from django.shortcuts import render

from .permissions import PermissionMissingError, mint_grant, name_permission, refused
from .requests import Request

Screen = Callable[..., HttpResponse]

# What everybody who is signed in may do, in no tenant in particular.
SIGNED_IN = "account.self:read"


def screen(permission: str) -> Callable[[Screen], Screen]:
    """A page of a tenant for holders of ``permission``. The view finds its proof in ``request.grant``."""

    def decorate(view: Screen) -> Screen:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            access = request.access
            if not access.is_known:
                return _send_to_login(request, permission)
            if access.tenant_id is None:
                refused.send(sender=screen, request=request, permission=permission, reason="stranger")
                raise Http404
            try:
                request.grant = mint_grant(access, permission)
                return view(request, *args, **kwargs)
            except PermissionMissingError as missing:
                refused.send(sender=screen, request=request, permission=missing.permission, reason="permission")
                return render(request, "403.html", {"permission": missing.permission}, status=403)

        return name_permission(guarded, permission)

    return decorate


def signed_in(view: Screen) -> Screen:
    """A page for everybody who is signed in, outside of any tenant."""

    @wraps(view)
    def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.access.is_known:
            return _send_to_login(request, SIGNED_IN)
        return view(request, *args, **kwargs)

    return name_permission(guarded, SIGNED_IN)


def _send_to_login(request: Request, permission: str) -> HttpResponse:
    refused.send(sender=screen, request=request, permission=permission, reason="nobody")
    return redirect_to_login(request.get_full_path(), login_url=settings.LOGIN_URL)
