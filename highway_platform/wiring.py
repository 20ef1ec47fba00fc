"""The composition root: the only place that knows both the platform and the inside of the engine."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from engine.db.migrate import apply_migrations


def migrate_engine(connection: Any) -> list[str]:
    """Bring schema `highway` to the state of this code; gives the names of what was applied."""
    return apply_migrations(connection, settings.HIGHWAY_SQL_MIGRATIONS)
