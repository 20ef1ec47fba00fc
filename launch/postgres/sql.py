"""SQL as the superuser, with the server's own `psql`: the launcher needs no driver, and works before one is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from launch.postgres.access import HOST, SUPERUSER, Server
from launch.refusal import Refusal


def run_sql(
    programs: Path, server: Server, script: str, *, database: str = "postgres", variables: dict[str, str] | None = None
) -> str:
    """Run ``script``; returns what it printed, unaligned and without headers. Stops at the first error.

    ``variables`` are psql's: ``:'name'`` quotes a value, ``:"name"`` an identifier. They travel by the pipe, as other users can see arguments.
    """
    preamble = "".join(f"\\set {name} '{value}'\n" for name, value in (variables or {}).items())
    command: list[str | Path] = [
        programs / "psql",
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        HOST,
        "-p",
        str(server.port),
        "-U",
        SUPERUSER,
        "-d",
        database,
    ]
    done = subprocess.run(
        command,
        input=preamble + script,
        env={**os.environ, "PGPASSWORD": server.passwords[SUPERUSER], "PGOPTIONS": "-c client_min_messages=warning"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refusal(f"PostgreSQL refused a set-up statement: {done.stderr.strip()}")
    return done.stdout.strip()
