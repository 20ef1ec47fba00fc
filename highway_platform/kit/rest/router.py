"""Routes of the API: each names its permission, which is checked before the body is even parsed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest
from ninja import Router
from ninja.security import HttpBearer

from highway_platform.kit.permissions import (
    Grant,
    PermissionMissingError,
    View,
    mint_grant,
    name_permission,
    refused,
)
from highway_platform.kit.requests import Request

from .errors import ApiError


def requires(permission: str) -> Callable[[View], View]:
    """Name the permission that a route demands. Stands below the route's decorator."""

    def decorate(view: View) -> View:
        return name_permission(view, permission)

    return decorate


class PermissionGate(HttpBearer):
    """Lets a request pass whose credential holds a permission, and leaves the proof in ``request.grant``."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self._permission = permission

    def __call__(self, request: HttpRequest) -> Grant:
        request = cast(Request, request)
        access = request.access
        if not access.is_known:
            refused.send(sender=type(self), request=request, permission=self._permission, reason="nobody")
            raise ApiError(
                HTTPStatus.UNAUTHORIZED,
                "unauthorized",
                "Show a valid API key: 'Authorization: Bearer hw_k1_...' or 'X-API-Key: hw_k1_...'.",
            )
        try:
            grant = mint_grant(access, self._permission)
        except PermissionMissingError as missing:
            raise refusal(request, missing) from missing
        request.grant = grant
        return grant

    def authenticate(self, request: HttpRequest, token: str) -> None:
        """Not used: the access middleware has read the credential already."""
        raise NotImplementedError


class SecuredRouter(Router):
    """A router whose routes are guarded by the permission their view names. One without is refused by a system check."""

    def add_api_operation(
        self,
        path: str,
        methods: list[str],
        view_func: Callable[..., Any],
        *,
        auth: Any = None,  # noqa: ARG002 - not for callers to say
        **options: Any,
    ) -> None:
        """Add a route; ``auth`` is ours to decide."""
        permission = getattr(view_func, "required_permission", None)
        gate = PermissionGate(permission) if permission else None
        if permission:
            options["openapi_extra"] = {"x-permission": permission}
        super().add_api_operation(path, methods, view_func, auth=gate, **options)


def refusal(request: Request, missing: PermissionMissingError) -> ApiError:
    """The answer to a known caller without the permission, and its entry in the audit trail."""
    refused.send(sender=PermissionGate, request=request, permission=missing.permission, reason="permission")
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        f"This needs the permission {missing.permission}. Somebody with tenants.key:manage can give it to a key.",
        extra={"permission": missing.permission},
    )
