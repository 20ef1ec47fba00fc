"""The database that the platform runs on: a configured server, or a PostgreSQL of our own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from launch import configured, prepared
from launch.commands import CHECKOUT, DATABASE, database_environment
from launch.postgres import Cluster, place, prepare_database, prepare_roles
from launch.postgres.binaries import programs
from launch.refusal import Refusal

ROLES_SQL = CHECKOUT / "sql" / "roles.sql"


class Database(Protocol):
    """What the launcher needs of either."""

    def start(self) -> dict[str, str]:
        """Make it usable; returns the variables that name it, for every role."""

    def is_prepared(self) -> bool:
        """Whether it is known to be migrated and set up for this very code."""

    def remember_prepared(self) -> None:
        """Migrated and set up: the next start need not."""

    def tend(self, say: Callable[[str], None]) -> None:
        """One look at it; start it again if it ended."""

    def stop(self) -> None:
        """Stop what `start` started."""


def database(home: Path) -> Database:
    """The configured server, or our own below ``home``."""
    urls = configured.database()
    return ConfiguredDatabase(urls) if urls else EmbeddedDatabase(home / "postgres")


class ConfiguredDatabase:
    """A server that somebody else runs and looks after. What is in it is checked at every start."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls

    def start(self) -> dict[str, str]:
        check_reachable(self._urls)
        return self._urls

    def is_prepared(self) -> bool:
        return False

    def remember_prepared(self) -> None:
        pass

    def tend(self, say: Callable[[str], None]) -> None:
        pass

    def stop(self) -> None:
        pass


class EmbeddedDatabase:
    """A PostgreSQL of our own, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster(folder)
        self._code = prepared.state_of_code()

    def start(self) -> dict[str, str]:
        server = self._cluster.start()
        prepare_roles(self._cluster.programs, server, ROLES_SQL)
        prepare_database(self._cluster.programs, server, DATABASE)
        return database_environment(server, DATABASE)

    def is_prepared(self) -> bool:
        return prepared.recall(self._cluster) == self._code

    def remember_prepared(self) -> None:
        prepared.remember(self._cluster, self._code)

    def tend(self, say: Callable[[str], None]) -> None:
        if self._cluster.poll() is not None:
            say("PostgreSQL ended; starting it again")
            self._cluster.start()

    def stop(self) -> None:
        self._cluster.stop()


def check_reachable(urls: dict[str, str]) -> None:
    """Log in once with each role of a configured server, or say which one fails and why."""
    psql = programs(place.server_account()) / "psql"
    for variable, url in urls.items():
        address, password = _without_password(url)
        done = subprocess.run(
            [psql, "-X", "-w", "-d", address, "-c", "SELECT 1"],
            env={**os.environ, "PGCONNECT_TIMEOUT": "5", **({"PGPASSWORD": password} if password else {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = " ".join(done.stderr.split()).removeprefix("psql: error: ")
            raise Refusal(f"the database in {variable} cannot be used: {reason}")


def _without_password(url: str) -> tuple[str, str | None]:
    """The URL as other users of the machine may see it among a process's arguments, and the password apart."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{host}")), unquote(parts.password)
