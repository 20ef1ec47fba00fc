"""`make schema`: writes `sql/schema.sql`, what all migrations together make of the schema `highway`: to read, and to see changes in a review.

It is made from the migrations by a throw-away server, and nothing is made from it.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from launch.commands import CHECKOUT, database_environment, environment, manage
from launch.postgres import Cluster, Server, prepare_database, prepare_roles
from launch.postgres.access import HOST, SUPERUSER
from launch.terminal import say

SCHEMA_FILE = CHECKOUT / "sql" / "schema.sql"
HEADER = "-- Made by `make schema` from sql/migrations. Read it, do not edit it: a test compares the two.\n\n"
DATABASE = "schema"
# What pg_dump says of itself, of the session that reads it, and of the server's version.
_NOISE = re.compile(r"^(?:--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(?:un)?restrict .*)\n", re.MULTILINE)


def main() -> None:
    """Migrate a database of its own and write down its schema."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        cluster = Cluster(folder / "postgres", durable=False)
        with cluster as server:
            prepare_roles(cluster.programs, server, CHECKOUT / "sql" / "roles.sql")
            prepare_database(cluster.programs, server, DATABASE)
            variables = environment("highway_platform.settings.test", database_environment(server, DATABASE))
            subprocess.run(manage("migrate", "--verbosity", "0"), env=variables, cwd=CHECKOUT, check=True)
            SCHEMA_FILE.write_text(dump(cluster.programs, server, DATABASE))
    say(f"wrote {SCHEMA_FILE.relative_to(CHECKOUT)}")


def dump(programs: Path, server: Server, database: str) -> str:
    """The schema `highway` of a database as SQL, without what differs from server to server."""
    command: list[str | Path] = [programs / "pg_dump", "--schema-only", "--schema=highway", "--host", HOST]
    command += ["--port", str(server.port), "--username", SUPERUSER, database]
    secrets = {**os.environ, "PGPASSWORD": server.passwords[SUPERUSER]}
    done = subprocess.run(command, env=secrets, capture_output=True, text=True, check=True)
    return HEADER + normalised(done.stdout)


def normalised(dumped: str) -> str:
    """pg_dump's text without its comments and settings, one empty line between statements."""
    # Comments inside of function bodies are ours; pg_dump's own begin at the margin and stand before its statements.
    return re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", dumped)).strip() + "\n"


if __name__ == "__main__":
    main()
