"""DBOS in the bench."""

from __future__ import annotations

from bench.names import PEERS
from bench.systems.postgres_peer import PostgresPeer


class Dbos(PostgresPeer):
    """Open source, without its Conductor."""

    name = "dbos"
    workloads = PEERS
    packages = ("dbos",)
