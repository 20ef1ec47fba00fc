"""Turns a database URL into Django's settings for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ENGINE = "highway_platform.kit.postgresql"
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 5}
# psycopg's own. Django takes it away for the sake of poolers, which are refused here.
PREPARED = {"prepare_threshold": 5}


def database_settings(url: str | None, *, pool_size: int | None = None, role: str | None = None) -> dict[str, Any]:
    """Settings for one connection. ``role`` is the role to become at connect; ``pool_size`` makes a pool of that many.

    Without a URL the name is empty and the first use says so: commands that need no database still start.
    """
    if url is None:
        return {"ENGINE": ENGINE, "NAME": "", "OPTIONS": {}}
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("a database URL begins with postgresql://")
    options: dict[str, Any] = {**KEEPALIVE, **PREPARED, **dict(parse_qsl(parts.query))}
    host = options.pop("host", parts.hostname or "")
    if role:
        options["options"] = f"-c role={role}"
    if pool_size:
        options["pool"] = {"min_size": 0, "max_size": pool_size, "timeout": 10}
    return {
        "ENGINE": ENGINE,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # the engine above looks by itself, without a round trip
        "ATOMIC_REQUESTS": False,
    }
