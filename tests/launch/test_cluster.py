"""The PostgreSQL of our own: made whole or not at all, never orphaned, never stuck."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from launch.commands import CHECKOUT
from launch.postgres import Cluster, place, prepare_database, prepare_roles
from launch.postgres.access import free_port, is_free

START_AND_WAIT = """
import sys, time
from pathlib import Path
from launch.postgres import Cluster
cluster = Cluster(Path(sys.argv[1]), durable=True)
print(cluster.start().port, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="highway-cluster-") as temporary:
        Path(temporary).chmod(0o711)
        yield Path(temporary) / "postgres"


def started_elsewhere(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that runs the cluster, and its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, folder], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def wait_until_free(port: int) -> None:
    deadline = time.monotonic() + 10
    while not is_free(port):
        assert time.monotonic() < deadline, f"port {port} is still taken"
        time.sleep(0.02)


def test_data_survives_a_restart_and_roles_are_idempotent(folder: Path) -> None:
    for attempt in range(2):
        cluster = Cluster(folder, durable=False)
        with cluster as server:
            prepare_roles(cluster.programs, server, CHECKOUT / "sql" / "roles.sql")
            prepare_database(cluster.programs, server, "highway")
            with psycopg.connect(server.url("postgres", "highway"), autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS public.visit (n int)")
                connection.execute("INSERT INTO public.visit VALUES (1)")
                assert connection.execute("SELECT count(*) FROM public.visit").fetchone() == (attempt + 1,)


def test_kill_9_of_the_launcher_takes_the_server_along(folder: Path) -> None:
    child, port = started_elsewhere(folder)
    child.kill()
    child.wait()
    wait_until_free(port)
    with Cluster(folder, durable=False) as server:
        assert server.port == port


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_stop_the_start(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    with cluster:
        left_behind = (cluster.folder / "data" / "postmaster.pid").read_text().splitlines()
    sleeper = subprocess.Popen(["sleep", "60"], user=cluster.account.user, group=cluster.account.group)
    try:
        (cluster.folder / "data" / "postmaster.pid").write_text("\n".join([str(sleeper.pid), *left_behind[1:]]) + "\n")
        with cluster:
            assert cluster.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_first_start_killed_in_initdb_is_begun_anew(folder: Path) -> None:
    place.make_folder(folder / "unfinished" / "data", 0o700)
    (folder / "unfinished" / "data" / "PG_VERSION").write_text("18\n")
    with Cluster(folder, durable=False):
        assert not (folder / "unfinished").exists()


def test_a_taken_port_makes_it_move(folder: Path) -> None:
    with Cluster(folder, durable=False) as server:
        before = server.port
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", before))
        thief.listen()
        with Cluster(folder, durable=False) as server:
            assert server.port != before


def test_passwords_are_for_us_alone_and_needed(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    with cluster as server:
        access = cluster.folder / "access.json"
        assert access.stat().st_mode & 0o777 == 0o600
        assert set(json.loads(access.read_text())["passwords"]) == {"postgres", "app_migrate", "app_web", "app_worker"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname="postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_root_runs_it_as_somebody_else_below_a_folder_that_others_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "postgres", durable=False)
    assert cluster.folder.parent == place.FALLBACK
    try:
        with cluster:
            owner = (cluster.folder / "data").stat().st_uid
    finally:
        shutil.rmtree(cluster.folder)
    assert owner not in (0, 65534)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_free_ports_are_free() -> None:
    assert is_free(free_port())


def test_a_second_signal_is_not_needed_to_stop(folder: Path) -> None:
    child, port = started_elsewhere(folder)
    child.send_signal(signal.SIGTERM)
    child.wait()
    wait_until_free(port)
