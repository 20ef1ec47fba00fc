"""The fixtures that README.md beside this file lists."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from highway_platform.settings.database import PREPARED
from tests.support.databases import Database, clone
from tests.support.session import Session
from tests.support.stack import Stack

SESSION = pytest.StashKey[Session]()
LONG_FIRST = ("launch", "workflow_examples", "crash", "bench", "integration")
Connect = Callable[..., "psycopg.Connection[Any]"]


def running_session(config: pytest.Config) -> Session:
    """The session's server: joined in an xdist worker, else started when first asked for."""
    if SESSION not in config.stash:
        shared = getattr(config, "workerinput", {}).get("postgres")
        config.stash[SESSION] = Session.join(shared) if shared else Session.start()
    return config.stash[SESSION]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for a timer, a lease or a page."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no tester is alone with one at the end."""
    ranks = {folder: rank for rank, folder in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.split("/")[1], len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand every xdist worker the address of the one server."""
    node.workerinput["postgres"] = running_session(node.config).share()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server where it was started."""
    if SESSION in config.stash:
        config.stash[SESSION].stop()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Session:
    """The session's PostgreSQL server."""
    return running_session(pytestconfig)


@pytest.fixture
def database(postgres: Session) -> Iterator[Database]:
    """A fresh database with schema `highway` and no Django tables, for this test alone."""
    fresh = clone(postgres, "engine")
    yield fresh
    fresh.drop()


@pytest.fixture(scope="module")
def module_database(postgres: Session) -> Iterator[Database]:
    """Like `database`, shared by the tests of one module: they keep apart by their tenants."""
    fresh = clone(postgres, "engine")
    yield fresh
    fresh.drop()


@pytest.fixture
def dsn_owner(database: Database) -> str:
    """URL of the tables' owner."""
    return database.owner


@pytest.fixture
def dsn_web(database: Database) -> str:
    """URL of the web role: sees one tenant's rows."""
    return database.web


@pytest.fixture
def dsn_worker(database: Database) -> str:
    """URL of the worker role."""
    return database.worker


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """``connect("worker", autocommit=True)``: a connection by role (owner, web, worker, superuser), closed after the test."""
    opened: list[psycopg.Connection[Any]] = []

    def open_one(role: str = "worker", **options: Any) -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(getattr(database, role), **options))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def tenant() -> uuid.UUID:
    """A tenant that nobody else uses."""
    return uuid.uuid4()


@pytest.fixture
def other_tenant() -> uuid.UUID:
    """Another tenant."""
    return uuid.uuid4()


@pytest.fixture(scope="module")
def platform_database(postgres: Session) -> Iterator[Database]:
    """A fresh database with everything that `manage.py migrate` makes, for one module."""
    fresh = clone(postgres, "platform")
    yield fresh
    fresh.drop()


@pytest.fixture(scope="module")
def stack(platform_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform's processes on `platform_database`; nothing is started yet."""
    processes = Stack(platform_database, tmp_path_factory.mktemp("stack"))
    yield processes
    processes.stop()


@pytest.fixture(scope="module")
def live(stack: Stack) -> Stack:
    """`stack` with a web server and one worker running."""
    stack.start_web()
    stack.start_worker()
    return stack


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may write to: commands run as nobody where the tests are root, and pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@pytest.fixture(scope="session")
def django_db_setup(postgres: Session, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's hook: tests marked `django_db` work on a clone of their own xdist worker.

    Until then the settings name no reachable server, so that an unmarked test cannot touch anything.
    """
    from django.db import connections

    fresh = clone(postgres, "platform")
    with django_db_blocker.unblock():
        connections["default"].close()
        connections["default"].settings_dict.update(_django_settings(fresh))
        connections["default"].settings_dict["OPTIONS"] = dict(PREPARED)  # no pool: one thread, one connection
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    fresh.drop()


def _django_settings(database: Database) -> dict[str, str]:
    parts = psycopg.conninfo.conninfo_to_dict(database.web)
    return {
        "NAME": str(parts["dbname"]),
        "HOST": str(parts["host"]),
        "PORT": str(parts["port"]),
        "USER": str(parts["user"]),
        "PASSWORD": str(parts["password"]),
    }
