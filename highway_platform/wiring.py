"""The composition root: the only place that knows both the platform and the inside of the engine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from engine.db.connection import connect
from engine.db.migrate import apply_migrations
from engine.ports import Sandbox
from engine.services import doctor
from engine.services.doctor import Finding
from highway_platform.runners import runner_settings
from highway_platform.services import read_services
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.errors import SandboxUnavailable


def migrate_engine(connection: Any) -> list[str]:
    """Bring schema `highway` to the state of this code; gives the names of what was applied."""
    return apply_migrations(connection, settings.HIGHWAY_SQL_MIGRATIONS)


def make_sandbox() -> Sandbox:
    """Where programs of users run: compiling in the web process, `code.exec` in the workers."""
    return BubblewrapSandbox()


def examine_engine(*, repair: bool, grace_seconds: float) -> tuple[list[Finding], int]:
    """What must not be in the engine's tables, of all tenants; with ``repair`` what is left after putting right what is safe, and how much that was."""
    with connect(_worker_dsn(), name="highway doctor") as connection:
        repaired = doctor.repair(connection, grace_seconds=grace_seconds) if repair else 0
        return doctor.examine(connection, grace_seconds=grace_seconds), repaired


def run_worker(*, queues: tuple[str, ...], slots: int, processes: int, name: str) -> int:
    """Be a worker until told to stop; gives the exit code."""
    from engine.tools import registry  # noqa: PLC0415 - only workers load the tools and the worker
    from engine.worker.config import WorkerConfig  # noqa: PLC0415
    from engine.worker.processes import run_worker as run  # noqa: PLC0415

    try:
        config = WorkerConfig(
            dsn=_worker_dsn(),
            name=name,
            tools=registry,
            make_sandbox=make_sandbox,
            queues=queues,
            slots=slots,
            runners=runner_settings(settings.CONFIG),
            services=read_services(settings.HIGHWAY_SERVICES_FILE),
        )
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error
    _check_sandbox()
    return run(config, processes)


def _check_sandbox() -> None:
    """Refuse here, in one line: a worker that cannot sandbox would fail the steps of every tenant instead."""
    try:
        BubblewrapSandbox().check()
    except SandboxUnavailable as error:
        raise ImproperlyConfigured(str(error)) from error


def _worker_dsn() -> str:
    dsn = settings.HIGHWAY_DATABASE_URLS["worker"]
    if dsn is None:
        raise ImproperlyConfigured("set HIGHWAY_WORKER_DATABASE_URL: workers have a database role of their own")
    return str(dsn)
