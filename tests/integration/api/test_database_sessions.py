"""The web's sessions of the database: prepared for what is asked each time, and never one that the server has ended."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from tenants.keys import access_of_key
from tests.integration.api.client import Client
from tests.support.stack import Stack

END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app_web' AND state = 'idle'
"""


def test_a_session_that_the_server_ended_while_it_lay_idle_is_not_used(live: Stack, owner: Client) -> None:
    for _ in range(3):
        assert owner.get("/api/v1/workflows").status == 200
        with psycopg.connect(live.database.superuser) as superuser:
            (ended,) = superuser.execute(END_SESSIONS).fetchone() or (0,)
        assert ended > 0
        assert [owner.get("/api/v1/workflows").status for _ in range(10)] == [200] * 10


@pytest.mark.django_db
def test_the_look_at_a_key_is_prepared() -> None:
    for _ in range(2):
        assert access_of_key("hw_k1_" + "x" * 32) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%tenants_apikey%%'")
        assert cursor.fetchone() == (1,)
