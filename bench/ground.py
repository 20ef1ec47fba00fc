"""The ground that everybody is measured on: one private PostgreSQL with default durability, and a fresh database a measurement."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from launch.commands import CHECKOUT
from launch.postgres import Cluster, Server, prepare_roles

# What "default durability" means, read back from the server before anything is measured.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class NotDurableError(Exception):
    """The cluster would have given figures that mean nothing."""


class Ground:
    """The cluster of one start of the bench. Its data lies below ``folder``, on a disk: never in memory.

    ``shared``: ours keeps its database and worker from one measurement to the next. For the smoke run, whose figures nobody reads.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.folder = folder
        self.shared = shared
        self._cluster = Cluster(folder / "postgres")

    def __enter__(self) -> Ground:
        self.folder.mkdir(parents=True, exist_ok=True)
        prepare_roles(self.programs, self._cluster.start(), CHECKOUT / "sql" / "roles.sql")
        with self.administer() as connection:
            for name, wanted in DURABLE.items():
                if (found := connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()) != (
                    wanted,
                ):
                    raise NotDurableError(f"{name} is {found}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.stop()

    @property
    def programs(self) -> Path:
        """The folder of `pgbench` and `psql`."""
        return self._cluster.programs

    @property
    def server(self) -> Server:
        """Address and passwords."""
        return self._cluster.server

    @property
    def pid(self) -> int:
        """The server's first process."""
        return int((self._cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str, role: str = "postgres") -> str:
        """A connection URL, the superuser's unless another role is named."""
        return self.server.url(role, database)

    def administer(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(self.url(database), autocommit=True)

    def recreate(self, database: str, *, template: str = "template1", owner: str = "postgres") -> None:
        """A fresh copy of ``template``, whoever is still connected to the one before; everything written out, so that nobody pays for it later."""
        name = sql.Identifier(database)
        with self.administer() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    name, sql.Identifier(template), sql.Identifier(owner)
                )
            )
            connection.execute("CHECKPOINT")

    def exists(self, database: str) -> bool:
        """Whether there is such a database."""
        with self.administer() as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone()
        return found is not None

    def version(self) -> str:
        """PostgreSQL's version."""
        with self.administer() as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""
