"""The platform on a server that somebody else runs: nothing of ours is started beside it, and what it lacks is named in one line."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from launch.commands import CHECKOUT, database_environment, manage
from launch.database import check_reachable
from launch.demo import GOLDEN
from launch.postgres import prepare_database
from launch.refusal import Refusal
from tests.launch.launcher import Launcher
from tests.support.databases import Database
from tests.support.session import Session

pytestmark = pytest.mark.timeout(200)

MakeDatabase = Callable[[str], Database]


@pytest.fixture
def made(postgres: Session) -> Iterator[MakeDatabase]:
    """Makes databases as a superuser would; `{}` in the statement stands for the name."""
    databases: list[Database] = []

    def make(statement: str) -> Database:
        databases.append(Database(postgres, f"test_configured_{uuid.uuid4().hex[:8]}"))
        with psycopg.connect(postgres.server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(databases[-1].name)))  # type: ignore[arg-type]
        return databases[-1]

    yield make
    for database in databases:
        database.drop()


def migrate(database: Database) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        manage("migrate"), env=database.environment(), cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout
    [line] = done.stderr.splitlines()
    assert all(word in line for word in words), line


def config_file(path: Path, database: Database) -> Path:
    urls = {"url": database.web, "worker_url": database.worker, "migrate_url": database.migrate}
    path.write_text("[database]\n" + "".join(f"{key} = {url}\n" for key, url in urls.items()))
    return path


def test_the_demo_runs_on_a_configured_server_at_the_first_start_and_at_the_second(
    made: MakeDatabase, tmp_path: Path
) -> None:
    database = made("CREATE DATABASE {} OWNER highway_owner")
    prepare_database(database.session.programs, database.session.server, database.name)  # closes it to strangers
    urls = database_environment(database.session.server, database.name)

    first = Launcher(tmp_path / "home", "--once", **urls)
    assert first.end() == 0, "".join(first.lines)
    assert first.lines.count(f"result: {GOLDEN}\n") == 1
    assert any(line.startswith("password: ") for line in first.lines)

    config = config_file(tmp_path / "config.ini", database)
    second = Launcher(tmp_path / "home", "--once", HIGHWAY_CONFIG=str(config))
    assert second.end() == 0, "".join(second.lines)
    assert second.lines.count(f"result: {GOLDEN}\n") == 1
    assert not any("password" in line for line in second.lines)
    assert not (tmp_path / "home" / "postgres").exists()


def test_what_the_server_refuses_at_the_door_is_passed_on(made: MakeDatabase) -> None:
    database = made("CREATE DATABASE {}")
    with pytest.raises(Refusal, match=r'^the database in A cannot be used: .* database "\w+_gone" does not exist$'):
        check_reachable({"A": f"{database.web}_gone"})
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database.name)),
        )
    with pytest.raises(Refusal, match=r"^the database in B cannot be used: .* permission denied for database"):
        check_reachable({"B": database.worker})


def test_a_database_that_is_not_the_owners_is_refused_with_what_to_type(made: MakeDatabase) -> None:
    database = made("CREATE DATABASE {}")
    assert_refused(migrate(database), f"ALTER DATABASE {database.name} OWNER TO highway_owner")


def test_a_database_that_is_not_encoded_in_utf_8_is_refused(made: MakeDatabase) -> None:
    encoding = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    database = made(f"CREATE DATABASE {{}} OWNER highway_owner {encoding}")
    assert_refused(migrate(database), "encoded in SQL_ASCII", "ENCODING 'UTF8'")


def test_every_process_logs_in_as_the_role_that_is_made_for_it(database: Database, settings: object) -> None:
    from highway_platform.kit.server import check_server

    settings.HIGHWAY_DATABASE_URLS = {"web": database.superuser, "worker": None, "migrate": None}  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="HIGHWAY_DATABASE_URL logs in as postgres: it has to be app_web"):
        check_server()
