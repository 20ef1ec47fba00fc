"""The one list of routes that need no permission. A route that is neither here nor names a permission stops every start."""

from __future__ import annotations

# Names as `reverse` knows them.
PUBLIC_ROUTES: frozenset[str] = frozenset(
    {
        "account_login",
        "account_logout",
        "docs",
        "favicon",
        "health",
        "openapi",
        "ping",
        "api:ping",
        "api:health",
        "api:version",
        "api:openapi-json",
        "api:openapi-view",
        "api:api-root",
    }
)

# Whole namespaces that guard themselves, with the permission they stand for.
GUARDED_NAMESPACES: dict[str, str] = {"admin": "platform.admin:use"}
