"""The app of workflows. Its few tables live in each tenant's own schema."""

from __future__ import annotations

from django.apps import AppConfig

from engine.ports import Sandbox


class WorkflowsConfig(AppConfig):
    """Holds what the composition root gave this app."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    sandbox: Sandbox
