"""The web process: `gunicorn -k asgi highway_platform.asgi:application`."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from highway_platform.kit.rest.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_platform.settings.prod")


def _application() -> BodyLimit:
    inner = get_asgi_application()
    from django.conf import settings  # noqa: PLC0415 - readable once Django is set up

    return BodyLimit(inner, max_bytes=settings.HIGHWAY_MAX_BODY_BYTES)


application = _application()
