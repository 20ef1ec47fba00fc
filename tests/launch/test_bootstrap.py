"""Set-up of a fresh checkout: done once, repaired after an interruption, and plain about what is missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.commands import CHECKOUT

# A stand-in for the system's package manager: notes what it is asked, and installs a program by making a file.
APT_GET = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$*" in *install*) printf '#!/bin/sh\\n' > "$(dirname "$0")/bwrap"; chmod 755 "$(dirname "$0")/bwrap";; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with an empty lock, so that pip needs no network."""
    with_nothing = tmp_path / "checkout"
    (with_nothing / "launch").mkdir(parents=True)
    (with_nothing / "requirements").mkdir()
    shutil.copy(CHECKOUT / "launch" / "bootstrap.py", with_nothing / "launch")
    (with_nothing / "requirements" / "embedded.txt").write_text("# nothing\n")
    yield with_nothing
    shutil.rmtree(with_nothing)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with nothing but what the set-up may find."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "chmod", "true"):
        (folder / name).symlink_to(str(shutil.which(name)))
    (folder / "dpkg").symlink_to(folder / "true")
    return folder


def set_up(checkout: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, checkout / "launch" / "bootstrap.py", "run"],
        env={"PATH": path, "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_ready(checkout: Path) -> None:
    assert (checkout / ".venv" / "installed-run").is_file()
    assert not (checkout / ".venv" / "unfinished").exists()
    subprocess.run([checkout / ".venv" / "bin" / "python", "-m", "pip", "--version"], check=True, capture_output=True)


def test_once_is_enough_until_the_lock_changes(checkout: Path) -> None:
    first = set_up(checkout)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stdout
    assert_ready(checkout)

    installed = (checkout / ".venv" / "installed-run").stat().st_mtime_ns
    second = set_up(checkout)
    assert (second.returncode, second.stdout) == (0, "")
    assert (checkout / ".venv" / "installed-run").stat().st_mtime_ns == installed

    (checkout / "requirements" / "embedded.txt").write_text("# still nothing\n")
    third = set_up(checkout)
    assert "installing the locked dependencies" in third.stdout
    assert "making .venv" not in third.stdout


def test_kill_9_while_pip_installs_is_repaired(checkout: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, checkout / "launch" / "bootstrap.py", "run"], stdout=subprocess.DEVNULL, process_group=0
    )
    while not (checkout / ".venv" / "unfinished").exists():
        assert child.poll() is None
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()

    again = set_up(checkout)
    assert again.returncode == 0, again.stderr
    assert "making .venv" in again.stdout
    assert_ready(checkout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")
def test_root_gets_missing_packages_installed(checkout: Path, programs: Path) -> None:
    (programs / "apt-get").write_text(APT_GET)
    (programs / "apt-get").chmod(0o755)
    done = set_up(checkout, str(programs))
    assert done.returncode == 0, done.stderr
    update, install = (programs / "asked").read_text().splitlines()
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends bubblewrap")


def test_without_a_known_package_manager_the_packages_are_named(checkout: Path, programs: Path) -> None:
    done = set_up(checkout, str(programs))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "cannot set up: these are missing, install them with your system's package manager: bubblewrap"
    ]


def test_a_normal_user_is_told_what_to_type(monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    from launch import bootstrap

    (programs / "apt-get").symlink_to(programs / "true")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        bootstrap.CannotGoOn, match=r"^type  sudo apt-get update && sudo apt-get install -y bubblewrap$"
    ):
        bootstrap.system_packages("run")


def test_a_lock_that_cannot_be_installed_says_so_and_the_next_start_tries_again(checkout: Path) -> None:
    (checkout / "requirements" / "embedded.txt").write_text("no-hash-here==1.0\n")
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cannot set up: pip could not install the dependencies")
    assert (checkout / ".venv" / "unfinished").exists()
