"""Procrastinate in the bench."""

from __future__ import annotations

from bench.systems.postgres_peer import PostgresPeer


class Procrastinate(PostgresPeer):
    """A queue: no W2, W3 and W5."""

    name = "procrastinate"
    workloads = frozenset({"W1", "W4", "W6", "W7"})
    packages = ("procrastinate",)
