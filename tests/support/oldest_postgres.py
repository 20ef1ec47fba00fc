"""The oldest PostgreSQL that the platform supports, from the system's packages: for what the embedded one cannot show."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from launch import process
from launch.commands import CHECKOUT
from launch.postgres import Server, access, place, prepare_database, prepare_roles

VERSION = 15
HOME = Path(f"/usr/lib/postgresql/{VERSION}")
PROGRAMS = HOME / "bin"
CHECKER = HOME / "lib" / "plpgsql_check.so"
START_SECONDS = 60.0
_SETTINGS = {
    "listen_addresses": access.HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "dynamic_shared_memory_type": "mmap",
}


def why_missing() -> str:
    """Why there is no such server here; empty when there is one."""
    missing = [str(path) for path in (PROGRAMS / "postgres", CHECKER) if not path.exists()]
    return f"not installed here: {', '.join(missing)}" if missing else ""


@contextmanager
def oldest_postgres(folder: Path, database: str) -> Iterator[Server]:
    """A throw-away server in ``folder`` (which its user can reach) with the platform's roles and an empty ``database``, until the end of the block."""
    account = place.server_account()
    server = access.load_or_create(folder / "access.json")
    home = folder / "home"
    home.mkdir(mode=0o700)
    account.own(home)
    _initialise(home, account, server)
    command: list[str | Path] = [PROGRAMS / "postgres", "-D", home / "data", "-p", str(server.port)]
    command += [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    log = folder / "postgresql.log"
    child = process.spawn(
        command,
        log=log,
        death_signal=signal.SIGINT,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd=home,
        user=account.user,
        group=account.group,
    )
    try:
        _await_answer(server, child, log)
        prepare_roles(PROGRAMS, server, CHECKOUT / "sql" / "roles.sql")
        prepare_database(PROGRAMS, server, database)
        yield server
    finally:
        process.stop(child, signal.SIGINT, patience_seconds=30)


def _initialise(home: Path, account: place.Account, server: Server) -> None:
    password = home / "password"
    password.write_text(server.passwords[access.SUPERUSER])
    account.own(password)
    subprocess.run(
        [
            *(PROGRAMS / "initdb", "-D", home / "data", "-U", access.SUPERUSER, f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=home,
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )


def _await_answer(server: Server, child: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url(access.SUPERUSER, "postgres"), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
