"""Which database role a process speaks as. The web's role is the default; schema work needs another for its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from highway_platform.settings.database import database_settings

from .tenancy import leave_schema

OWNER = "highway_owner"
WEB = "app_web"


@contextmanager
def act_as_owner() -> Iterator[None]:
    """Within the block this thread's connection is app_migrate's, which has become the owner of the tables.

    The role is named in the connection's own settings, because migrations close and reopen the connection between schemas.
    """
    url = settings.HIGHWAY_DATABASE_URLS["migrate"]
    if url is None:
        raise ImproperlyConfigured("set HIGHWAY_MIGRATE_DATABASE_URL: this command changes the schema")
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(database_settings(url, role=OWNER))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)
        leave_schema()


@contextmanager
def one_at_a_time(lock: int) -> Iterator[None]:
    """Only one process is in the block. A connection of its own holds the lock, so it dies with the process."""
    holder = connection.copy("lock")
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        holder.close()


def grant_schema_to_web(schema: str) -> None:
    """Let the web's role read and write the tables of a schema. It owns none of them and changes no definition."""
    name = connection.ops.quote_name(schema)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA {name} TO {WEB}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {WEB}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {name} TO {WEB}")


def keep_append_only(table: str) -> None:
    """Take from the web's role the right to change or empty a table it may only add to."""
    name = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {WEB}")
