"""The thread that runs the services outlives its connection."""

from __future__ import annotations

import time

import psycopg

from tests.support.interleaving import problems
from tests.support.runs import scalar
from tests.support.workers import Workers

_OWN = "FROM pg_stat_activity WHERE application_name = 'highway upkeep' AND datname = current_database()"


def test_services_go_on_although_only_their_own_connection_is_killed(workers: Workers) -> None:
    """The worker's other connections live, so nothing else makes it begin anew: the services themselves must."""
    workers.start()
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        before = _wait_for_upkeep(connection, other_than=0)
        who = scalar(connection, "SELECT worker_id FROM highway.worker")
        assert scalar(connection, "SELECT pg_terminate_backend(%s)", before)
        _wait_for_upkeep(connection, other_than=before)
        assert scalar(connection, "SELECT worker_id FROM highway.worker") == who, (
            "another incarnation came: nothing is shown"
        )
    assert problems(workers.database.worker) == []


def _wait_for_upkeep(connection: psycopg.Connection, other_than: int) -> int:
    until = time.monotonic() + 20
    while True:
        found = scalar(connection, f"SELECT coalesce(max(pid) FILTER (WHERE pid <> %s), 0) {_OWN}", other_than)
        if found:
            return int(found)
        assert time.monotonic() < until, "nobody keeps the installation up any more"
        time.sleep(0.02)
