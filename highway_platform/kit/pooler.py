"""Refuses a pooler that hands one session to several requests: the tenant's schema is set on the session, and would leak."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class PoolerGuard:
    """Looks at the first connection of a process. A pooler invents the process id it greets us with; a server says its own.

    Whether a pooler keeps sessions apart cannot be seen from here, so an operator who uses one must say that it does.
    """

    def __init__(self, *, keeps_sessions: bool) -> None:
        self._trusted = keeps_sessions

    def watch(self) -> None:
        """From now on look at new connections."""
        connection_created.connect(self._look, dispatch_uid="highway_platform.kit.pooler", weak=False)

    def _look(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self._trusted:
            return
        greeted = connection.connection.info.backend_pid
        row = connection.connection.execute("SELECT pg_backend_pid()").fetchone()
        if row[0] != greeted:
            connection.close()
            raise ImproperlyConfigured(
                "between here and PostgreSQL stands a pooler. In transaction mode it would show tenants each other's data: "
                "run it in session mode and set pooler_keeps_sessions = yes below [database], or connect directly"
            )
        self._trusted = True
