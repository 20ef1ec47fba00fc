"""Requests that wait hold a thread, and no connection: whoever asks meanwhile is answered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.integration.api.client import Answer, Client
from tests.integration.api.definitions import WAIT_FOR_GO
from tests.support.databases import Database

POOL = 8  # connections of one web process, when nothing else is set
WAITING = 3 * POOL
PROMPT_SECONDS = 5.0  # a pool without a free connection is waited for for ten


def sessions(database: Database) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_web' AND datname = %s"
    with psycopg.connect(database.superuser) as connection:
        row = connection.execute(query, [database.name]).fetchone()
    return int(row[0]) if row else 0


def until_all_are_asked(owner: Client, path: str) -> None:
    until = time.monotonic() + 25
    while (count := owner.get(path).data["count"]) < WAITING:
        assert time.monotonic() < until, f"{count} of {WAITING} were taken"
        time.sleep(0.05)


def test_more_updates_wait_than_there_are_connections_and_others_are_served(
    owner: Client, platform_database: Database
) -> None:
    run_id = owner.submit(WAIT_FOR_GO)
    path = f"/api/v1/workflows/{run_id}/updates"
    body = {"update_name": "nobody-answers", "timeout_seconds": 60}

    def ask(_: int) -> Answer:
        return owner.post(path, body)

    with ThreadPoolExecutor(WAITING) as pool:
        asked = [pool.submit(ask, number) for number in range(WAITING)]
        until_all_are_asked(owner, path)
        waits = []
        for _ in range(10):
            began = time.monotonic()
            assert owner.get(f"/api/v1/workflows/{run_id}").status == 200
            waits.append(time.monotonic() - began)
        assert not any(one.done() for one in asked), "they do wait"
        assert sorted(waits)[-2] < PROMPT_SECONDS, waits
        assert sessions(platform_database) <= POOL
        assert owner.post(f"/api/v1/workflows/{run_id}/cancel").status == 200
        ended = {(one.result().status, one.result().code) for one in asked}
    assert ended == {(409, "update_failed")}
