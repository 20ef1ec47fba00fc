"""The tests' own ground: databases are throw-away, and the three roles are what they claim to be."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.databases import Database, clone
from tests.support.fixtures import Connect
from tests.support.session import Session


def test_every_test_database_says_so(database: Database) -> None:
    assert database.name.startswith("test_")
    with pytest.raises(AssertionError, match="not a test database"):
        Database(database.session, "highway")


def test_the_owner_owns_every_table_and_no_login_role_does(connect: Connect) -> None:
    rows = (
        connect("superuser")
        .execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'highway'")
        .fetchall()
    )
    assert rows == [("highway_owner",)]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_nobody_but_the_owner_changes_tables(connect: Connect, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role).execute("CREATE TABLE highway.mine (n int)")


def test_clones_do_not_see_each_other(postgres: Session) -> None:
    first, second = clone(postgres, "engine"), clone(postgres, "engine")
    with psycopg.connect(first.owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE highway.only_here (n int)")
    with psycopg.connect(second.owner) as connection:
        assert connection.execute("SELECT to_regclass('highway.only_here')").fetchone() == (None,)
    first.drop()
    second.drop()
