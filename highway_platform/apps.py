"""The project as an app: it brings the commands and the checks, and hands the other apps what they need."""

from __future__ import annotations

from typing import cast

from django.apps import AppConfig, apps
from django.conf import settings


class HighwayPlatformConfig(AppConfig):
    """First of the installed apps, so that its `migrate` is the one that runs."""

    name = "highway_platform"

    def ready(self) -> None:
        """Register the system checks; watch for poolers; give the app of workflows the sandbox that compiles its sources."""
        from workflows.apps import WorkflowsConfig  # noqa: PLC0415 - needs the app registry

        from . import checks, wiring  # noqa: F401, PLC0415 - importing the checks registers them
        from .kit.pooler import PoolerGuard  # noqa: PLC0415 - needs the settings

        PoolerGuard(keeps_sessions=settings.HIGHWAY_POOLER_KEEPS_SESSIONS).watch()

        cast(WorkflowsConfig, apps.get_app_config("workflows")).sandbox = wiring.make_sandbox()
