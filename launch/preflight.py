"""What must be true before anything is started. Each check ends in one line that says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from launch.postgres import place
from launch.postgres.access import is_free
from launch.refusal import Refusal

ROOM_NEEDED_MB = 300


def check_room(home: Path) -> None:
    """Refuse when the disk is nearly full: a database that runs out of it half-way is harder to help."""
    free_mb = shutil.disk_usage(home).free // 1024**2
    if free_mb < ROOM_NEEDED_MB:
        raise Refusal(f"only {free_mb} MB are free on the disk of {home}, {ROOM_NEEDED_MB} MB are needed: make room")


def check_home(home: Path) -> None:
    """Make the folder that keeps everything, and see that it can be written."""
    try:
        place.make_folder(home, 0o755)
    except OSError as error:
        raise Refusal(f"cannot make {home}: {error.strerror}; name another folder in HIGHWAY_HOME") from error
    if not os.access(home, os.W_OK):
        raise Refusal(f"{home} belongs to somebody else: name another folder in HIGHWAY_HOME")


def check_sandbox() -> None:
    """Refuse when user code could not be shut in."""
    if shutil.which("bwrap") is None:
        raise Refusal("bubblewrap is missing, and user code runs in it: apt-get install bubblewrap")
    done = subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if done.returncode != 0:
        raise Refusal(f"bubblewrap cannot make a sandbox on this machine (user namespaces off?): {done.stderr.strip()}")


def check_port(port: int) -> None:
    """Refuse when somebody else listens on the web server's port."""
    if not is_free(port):
        raise Refusal(
            f"port {port} is taken{_holder(port)}: stop that, or choose another one, as in  make run PORT={port + 1}"
        )


def _holder(port: int) -> str:
    """Who listens on ``port``, as far as we may know."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port and each.pid:
                return f" by {psutil.Process(each.pid).name()}, process {each.pid}"
    except psutil.Error:
        return ""
    return ""
