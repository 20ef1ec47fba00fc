"""The platform's processes as command lines: the launcher, the tests and the deployment start the same programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from launch.postgres import Server

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE = "highway"


def manage(*arguments: str) -> list[str]:
    """`manage.py` with this interpreter."""
    return [sys.executable, str(CHECKOUT / "manage.py"), *arguments]


def web(port: int, *, processes: int = 2) -> list[str]:
    """The web server on the loopback address."""
    bind = f"--bind=127.0.0.1:{port}"
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "highway_platform.asgi:application",
        "-k",
        "asgi",
        bind,
        f"--workers={processes}",
        "--preload",  # loaded once: half the work at the start, and shared memory
        "--graceful-timeout=5",
        "--no-control-socket",  # nobody uses it, and two platforms of one user would fight for its place
    ]


def worker(*arguments: str) -> list[str]:
    """One worker process."""
    return manage("runworker", *arguments)


def database_environment(server: Server, database: str) -> dict[str, str]:
    """The variables that point every process at ``database``, each role by its own URL."""
    return {
        "HIGHWAY_DATABASE_URL": server.url("app_web", database),
        "HIGHWAY_WORKER_DATABASE_URL": server.url("app_worker", database),
        "HIGHWAY_MIGRATE_DATABASE_URL": server.url("app_migrate", database),
    }


def environment(settings: str, database: dict[str, str], **more: str) -> dict[str, str]:
    """Our own environment with ``settings`` and a database in it."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PYTHONUNBUFFERED": "1", **database, **more}
