"""Remembers, in the database itself, for which state of the code it was migrated and set up: a second start skips both."""

from __future__ import annotations

import hashlib
from pathlib import Path

from launch.commands import CHECKOUT, DATABASE
from launch.postgres import Cluster
from launch.postgres.sql import run_sql

SET_UP_BY = ("engine", "highway_platform", "tenants", "workflows", "sql")
READ = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :'name';"
WRITE = "COMMENT ON DATABASE :\"name\" IS :'state';"


def state_of_code() -> str:
    """One value for all code and SQL that the set-up could run."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return f"prepared for {digest.hexdigest()}"


def recall(cluster: Cluster) -> str:
    """What `remember` wrote last; "" in a fresh database."""
    return run_sql(cluster.programs, cluster.server, READ, variables={"name": DATABASE})


def remember(cluster: Cluster, state: str) -> None:
    """Call when the set-up for ``state`` is complete."""
    run_sql(cluster.programs, cluster.server, WRITE, variables={"name": DATABASE, "state": state})


def _files() -> list[Path]:
    return sorted(
        path
        for folder in SET_UP_BY
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in {".py", ".sql"} and path.is_file()
    )
