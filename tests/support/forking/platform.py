"""Everything that the platform's processes load, loaded once: the fork server's own part of Django.

Settings are read from the environment as they are imported, and each child has an environment of its own: `settle` reads them again.
"""

from __future__ import annotations

import importlib
import os

SETTINGS = "highway_platform.settings.test"
_READ_FROM_THE_ENVIRONMENT = ("highway_platform.settings.base", SETTINGS)

os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS

import django  # noqa: E402 - the settings are named above
from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

django.setup()
for _module in (
    "highway_platform.urls",
    "highway_platform.tenant_urls",
    "engine.worker.processes",
    "gunicorn.app.wsgiapp",
):
    importlib.import_module(_module)


def settle() -> None:
    """Make the settings those of the environment as it is now. Nothing may have used the database before."""
    for name in _READ_FROM_THE_ENVIRONMENT:
        module = importlib.reload(importlib.import_module(name))
    fresh = {key: value for key, value in vars(module).items() if key.isupper()}
    connections.settings["default"].update(fresh.pop("DATABASES")["default"])
    for key, value in fresh.items():
        setattr(settings, key, value)
