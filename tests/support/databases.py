"""Databases for tests: cloned in milliseconds from a template that is migrated once a session."""

from __future__ import annotations

import fcntl
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from launch.commands import CHECKOUT, database_environment, environment, manage
from launch.postgres import prepare_database
from tests.support.session import Session

Kind = Literal["engine", "platform"]
TEST_SETTINGS = "highway_platform.settings.test"


@dataclass(frozen=True, slots=True)
class Database:
    """One test database. Each property is a connection URL of one of the platform's roles."""

    session: Session
    name: str

    def __post_init__(self) -> None:
        assert self.name.startswith("test_"), f"not a test database: {self.name}"

    @property
    def web(self) -> str:
        return self.session.server.url("app_web", self.name)

    @property
    def worker(self) -> str:
        return self.session.server.url("app_worker", self.name)

    @property
    def migrate(self) -> str:
        return self.session.server.url("app_migrate", self.name)

    @property
    def owner(self) -> str:
        """Logged in as app_migrate, acting as the owner of the tables."""
        return f"{self.migrate}?options=-c%20role%3Dhighway_owner"

    @property
    def superuser(self) -> str:
        return self.session.server.url("postgres", self.name)

    def environment(self, **more: str) -> dict[str, str]:
        """Variables for a process of the platform that works on this database."""
        return environment(TEST_SETTINGS, database_environment(self.session.server, self.name), **more)

    def drop(self) -> None:
        """Remove the database, whoever is still connected."""
        _administer(self.session, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))


def clone(session: Session, kind: Kind, name: str | None = None) -> Database:
    """A fresh database: ``engine`` holds schema `highway` alone, ``platform`` all that `manage.py migrate` makes."""
    database = Database(session, name or f"test_{kind}_{uuid.uuid4().hex[:12]}")
    template = _template(session, kind)
    _administer(
        session,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER highway_owner STRATEGY FILE_COPY").format(
            sql.Identifier(database.name), sql.Identifier(template)
        ),
    )
    return database


def _template(session: Session, kind: Kind) -> str:
    """The name of the template, migrated by whichever test process comes first."""
    name = f"test_template_{kind}"
    done = session.folder / f"{name}.done"
    with (session.folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            database = Database(session, name)
            database.drop()
            prepare_database(session.programs, session.server, name)
            MIGRATE[kind](database)
            done.touch()
    return name


def _migrate_engine(database: Database) -> None:
    from engine.db.migrate import apply_migrations

    with psycopg.connect(database.owner, autocommit=True) as connection:
        apply_migrations(connection, CHECKOUT / "sql" / "migrations")


def _migrate_platform(database: Database) -> None:
    done = subprocess.run(
        manage("migrate"),
        env=database.environment(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"manage.py migrate failed:\n{done.stdout}\n{done.stderr}"


MIGRATE: dict[Kind, Callable[[Database], None]] = {"engine": _migrate_engine, "platform": _migrate_platform}


def _administer(session: Session, statement: sql.Composed) -> None:
    with psycopg.connect(session.server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(statement)
