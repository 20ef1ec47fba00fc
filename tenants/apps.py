"""The app of tenants and people."""

from __future__ import annotations

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Connects the audit trail to refusals, and django-tenants' migrations to pgtrigger's."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Both commands must detect changes alike, or Django refuses to start (commands.E001)."""
        from django.contrib.auth.signals import user_logged_in, user_login_failed  # noqa: PLC0415
        from django.core.management.commands import makemigrations  # noqa: PLC0415 - needs the app registry
        from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand  # noqa: PLC0415

        from highway_platform.kit.permissions import refused  # noqa: PLC0415

        from .audit import refusal_recorded, sign_in_recorded, sign_in_refused  # noqa: PLC0415 - needs the models

        MigrateSchemasCommand.autodetector = makemigrations.Command.autodetector
        refused.connect(refusal_recorded, dispatch_uid="tenants.refused")
        user_logged_in.connect(sign_in_recorded, dispatch_uid="tenants.signed_in")
        user_login_failed.connect(sign_in_refused, dispatch_uid="tenants.sign_in_refused")
