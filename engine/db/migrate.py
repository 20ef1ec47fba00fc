"""Forward-only SQL migrations: `sql/migrations/NNNN_<what>.sql`, each applied once, in order, in a transaction of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from engine.db.connection import Connection
from engine.db.errors import EngineError, translated
from engine.db.queries import SQL_DIRECTORY
from engine.kit.fault_points import FaultPoint, reach

_OWNER = sql.Identifier("highway_owner")
_ADVISORY_KEY = 0x4869676877617901  # "Highway" and a number: two migrating processes take turns


class MigrationError(EngineError):
    """The migrations on disk and those in the database do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name is its identity, its hash proves that it was not edited after it was applied."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(directory: Path = SQL_DIRECTORY / "migrations") -> list[Migration]:
    """All migrations on disk, in order."""
    return [Migration(path.stem, path.read_text()) for path in sorted(directory.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def apply_migrations(connection: Connection, directory: Path = SQL_DIRECTORY / "migrations") -> list[str]:
    """Bring the schema up to date; returns the names of what was applied. Needs the right to become highway_owner."""
    migrations = read_migrations(directory)
    with translated():
        connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_KEY])
        try:
            _prepare(connection)
            done = _applied(connection)
            _check(migrations, done)
            pending = [migration for migration in migrations if migration.name not in done]
            for migration in pending:
                _apply(connection, migration)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_KEY])
    return [migration.name for migration in pending]


def unapplied(connection: Connection, directory: Path = SQL_DIRECTORY / "migrations") -> list[str]:
    """Names of migrations that the database lacks; workers and web refuse to start while there are any."""
    with translated():
        found = connection.execute("SELECT to_regclass('highway.migration') IS NOT NULL").fetchone()
        done = _applied(connection) if found and found[0] else {}
    return [migration.name for migration in read_migrations(directory) if migration.name not in done]


def _prepare(connection: Connection) -> None:
    with connection.transaction():
        _become_owner(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS highway AUTHORIZATION highway_owner")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS highway.migration ("
            "name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute("GRANT USAGE ON SCHEMA highway TO app_web, app_worker, app_migrate")
        connection.execute("GRANT SELECT ON highway.migration TO app_web, app_worker, app_migrate")


def _applied(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sha256 FROM highway.migration").fetchall())


def _check(migrations: list[Migration], done: dict[str, str]) -> None:
    known = {migration.name: migration.sha256 for migration in migrations}
    for name, sha256 in done.items():
        if name not in known:
            raise MigrationError(
                f"the database has migration {name}, which this version does not know: it is older than the database"
            )
        if known[name] != sha256:
            raise MigrationError(
                f"migration {name} was edited after it was applied: go on with the version that applied it, or with a new database"
            )


def _apply(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        _become_owner(connection)
        connection.execute(migration.text.encode())
        reach(FaultPoint.MIGRATION_STEP)
        connection.execute(
            "INSERT INTO highway.migration (name, sha256) VALUES (%s, %s)", [migration.name, migration.sha256]
        )


def _become_owner(connection: Connection) -> None:
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(_OWNER))
