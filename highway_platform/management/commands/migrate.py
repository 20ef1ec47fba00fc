"""`manage.py migrate`: public schema, every tenant's schema, the engine's schema, and the rights of the web's role."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from highway_platform.kit.database import grant_schema_to_web, keep_append_only, one_at_a_time
from highway_platform.kit.server import check_server
from highway_platform.management.base import OwnerCommand
from highway_platform.wiring import migrate_engine
from tenants.models import AuditEntry, Tenant

MIGRATION_LOCK = 7_160_002


class Command(OwnerCommand, MigrateSchemasCommand):
    """Brings every schema to the state of this code. Safe to run again, also after an interruption and by two at once."""

    help = "Brings the database to the state of this code: public tables, every tenant's schema, the engine's schema."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate everything, one process at a time."""
        check_server()
        with one_at_a_time(MIGRATION_LOCK):
            super().handle(*args, **options)
            if options["plan"] or options["check_unapplied"]:
                return
            connection.ensure_connection()
            for name in migrate_engine(connection.connection):
                if options["verbosity"]:
                    self.stdout.write(f"[engine] applied {name}")
            self._grant_rights()

    @staticmethod
    def _grant_rights() -> None:
        grant_schema_to_web("public")
        keep_append_only(AuditEntry._meta.db_table)
        for schema in Tenant.objects.values_list("schema_name", flat=True):
            grant_schema_to_web(schema)
