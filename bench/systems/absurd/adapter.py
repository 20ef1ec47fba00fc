"""Absurd in the bench."""

from __future__ import annotations

from bench.names import PEERS
from bench.systems.postgres_peer import PostgresPeer


class AbsurdSystem(PostgresPeer):
    """Its SQL comes from the package `absurdctl`."""

    name = "absurd"
    workloads = PEERS
    packages = ("absurd-sdk", "absurdctl")
