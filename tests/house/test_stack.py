"""The real processes that other tests stand on start, answer and stop."""

from __future__ import annotations

import urllib.request
import uuid

import pytest

from tests.support.databases import Database
from tests.support.stack import Stack


def test_the_web_server_answers_on_a_database_of_its_own(stack: Stack) -> None:
    address = stack.start_web()
    with urllib.request.urlopen(f"{address}/api/v1/ping", timeout=10) as answer:
        assert answer.status == 200


def test_management_commands_run_on_the_same_database(stack: Stack, platform_database: Database) -> None:
    slug = f"t{uuid.uuid4().hex[:8]}"
    stack.manage("create_tenant", slug, "--name", "Of a test")
    import psycopg

    with psycopg.connect(platform_database.superuser) as connection:
        found = connection.execute("SELECT count(*) FROM public.tenants_tenant WHERE slug = %s", [slug]).fetchone()
    assert found == (1,)


@pytest.mark.django_db
def test_django_tests_run_as_the_web_role_on_a_test_database() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        user, name = cursor.fetchone()
    assert user == "app_web"
    assert name.startswith("test_")
