"""System checks of the platform: they stop every command, and so the web server, before a mistake can be served."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tenants.permissions import PERMISSIONS

from .routes import all_routes


@register()
def every_route_names_a_permission(**_: Any) -> list[CheckMessage]:
    """A route is public by name, or names a permission of the registry. There is no third kind."""
    found: list[CheckMessage] = []
    for route in all_routes():
        if route.permission is None and not route.is_public:
            found.append(
                Error(
                    f"{route.method} {route.path} names no permission",
                    hint="put @screen(...) or @requires(...) on its view, or its name into public_routes.py",
                    id="highway.E001",
                )
            )
        elif route.permission is not None and route.permission not in PERMISSIONS:
            found.append(
                Error(f"{route.path} names {route.permission}, which tenants/permissions.py lacks", id="highway.E002")
            )
    return found


@register()
def the_pool_closes_what_django_keeps(**_: Any) -> list[CheckMessage]:
    """Django's pool needs CONN_MAX_AGE = 0, or a request could get a connection that another request still uses."""
    database = settings.DATABASES["default"]
    if database["OPTIONS"].get("pool") and database.get("CONN_MAX_AGE", 0) != 0:
        return [Error("a connection pool needs CONN_MAX_AGE = 0", id="highway.E003")]
    return []
