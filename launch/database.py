"""The database that the platform runs on: a configured server, or a PostgreSQL of our own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from launch.commands import CHECKOUT, DATABASE, database_environment
from launch.postgres import Cluster, place, prepare_database, prepare_roles
from launch.postgres.binaries import programs
from launch.refusal import Refusal

ROLES_SQL = CHECKOUT / "sql" / "roles.sql"


def start_embedded(folder: Path) -> tuple[Cluster, dict[str, str]]:
    """Start our own server with roles and database in it; returns it and the variables that name it."""
    cluster = Cluster(folder)
    server = cluster.start()
    prepare_roles(cluster.programs, server, ROLES_SQL)
    prepare_database(cluster.programs, server, DATABASE)
    return cluster, database_environment(server, DATABASE)


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
    place_of_host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{place_of_host}")), unquote(parts.password)
