"""Procrastinate's schema: ``python -m bench.systems.procrastinate.prepare URL``."""

from __future__ import annotations

import sys

from procrastinate import App, SyncPsycopgConnector


def main(url: str) -> None:
    """What `procrastinate schema --apply` does."""
    with App(connector=SyncPsycopgConnector(conninfo=url)).open() as app:
        app.schema_manager.apply_schema()


if __name__ == "__main__":
    main(sys.argv[1])
