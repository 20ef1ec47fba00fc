"""The app of workflows. Its few tables live in each tenant's own schema."""

from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Nothing to set up."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"
