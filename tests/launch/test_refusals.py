"""What is broken outside of us ends in one clear line and a non-zero exit."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launch import configured, preflight
from launch.commands import CHECKOUT
from launch.database import check_reachable
from launch.postgres.access import free_port
from launch.refusal import Refusal
from tests.support.databases import Database


def start(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The launcher as `make run` starts it."""
    return subprocess.run(
        [sys.executable, "-m", "launch.run", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "HIGHWAY_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    for word in words:
        assert word in line


def test_a_taken_port_names_its_holder_and_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        port = thief.getsockname()[1]
        assert_one_line(
            start(tmp_path, "--port", str(port)), f"port {port} is taken", f"process {os.getpid()}", f"PORT={port + 1}"
        )


def test_no_bubblewrap(tmp_path: Path) -> None:
    assert_one_line(start(tmp_path, PATH=str(tmp_path)), "bubblewrap is missing", "apt-get install bubblewrap")


def test_sandbox_without_user_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Refusal, match="No permissions to create new namespace"):
        preflight.check_sandbox()


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "ROOM_NEEDED_MB", shutil.disk_usage(tmp_path).total // 1024**2 + 1)
    with pytest.raises(Refusal, match=r"only \d+ MB are free .* make room"):
        preflight.check_room(tmp_path)


def test_home_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_line(start(tmp_path / "file" / "home"), "cannot make", "HIGHWAY_HOME")


def test_configured_database_not_reachable(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://somebody:secret-word@127.0.0.1:{port}/highway"
    done = start(
        tmp_path,
        "--port",
        str(free_port()),
        HIGHWAY_DATABASE_URL=url,
        HIGHWAY_MIGRATE_DATABASE_URL=url,
        HIGHWAY_WORKER_DATABASE_URL=url,
    )
    assert_one_line(done, "HIGHWAY_DATABASE_URL", str(port), "Connection refused")
    assert "secret-word" not in done.stdout + done.stderr


def test_configured_database_with_a_wrong_password(database: Database) -> None:
    url = database.web.replace(database.session.server.passwords["app_web"], "wrong")
    with pytest.raises(Refusal, match="password authentication failed"):
        check_reachable({"HIGHWAY_DATABASE_URL": url})


def test_a_database_configured_for_one_role_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.ini"
    config.write_text("[database]\nurl = postgresql://web@db/highway\n")
    monkeypatch.setenv("HIGHWAY_CONFIG", str(config))
    with pytest.raises(Refusal, match="HIGHWAY_MIGRATE_DATABASE_URL and HIGHWAY_WORKER_DATABASE_URL"):
        configured.database()


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_wrong_python(version: tuple[int, int, int]) -> None:
    program = f"import sys; sys.version_info = {version}; exec(open('launch/python_check.py').read())"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert_one_line(done, "needs Python 3.11, 3.12 or 3.13", f"is {version[0]}.{version[1]}", "make run PYTHON=")
