"""The project as an app: it brings the commands and the checks."""

from __future__ import annotations

from django.apps import AppConfig


class HighwayPlatformConfig(AppConfig):
    """First of the installed apps, so that its `migrate` is the one that runs."""

    name = "highway_platform"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401, PLC0415 - importing registers them
