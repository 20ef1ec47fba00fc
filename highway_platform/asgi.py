"""The web process: `gunicorn -k asgi highway_platform.asgi:application`."""

from __future__ import annotations

import os

import django

from highway_platform.kit.one_thread import OneThreadHandler
from highway_platform.kit.rest.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_platform.settings.prod")


def _application() -> BodyLimit:
    django.setup(set_prefix=False)
    from django.conf import settings  # noqa: PLC0415 - readable once Django is set up

    return BodyLimit(OneThreadHandler(), max_bytes=settings.HIGHWAY_MAX_BODY_BYTES)


application = _application()
