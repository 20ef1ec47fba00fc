"""Absurd's schema and the two queues: ``python -m bench.systems.absurd.prepare URL``."""

from __future__ import annotations

import sys

import psycopg
from absurd_sdk import Absurd
from absurdctl import BUNDLED_SCHEMA_SQL

from bench.systems.absurd.tasks import QUEUES


def main(url: str) -> None:
    """What `absurdctl init` and `create-queue` do, which need `psql` on the path."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(BUNDLED_SCHEMA_SQL)  # their text, as it is
        app = Absurd(connection)
        for queue in QUEUES:
            app.create_queue(queue)


if __name__ == "__main__":
    main(sys.argv[1])
