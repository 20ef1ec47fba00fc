"""The peers' environments: a virtual environment and a folder of node packages of their own, made once from the locked lists."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.systems.base import NotHereError
from launch.commands import CHECKOUT
from launch.terminal import say

LOCK = CHECKOUT / "requirements" / "bench-peers.txt"
NODE = CHECKOUT / "bench" / "systems" / "restate"
INSTALL_SECONDS = 900.0


def python(folder: Path) -> Path:
    """The interpreter of the peers' virtual environment. Raises `NotHereError` where their packages are not to be had."""
    venv = folder / "peers"
    wanted = _digest(f"{sys.version}{venv}", LOCK)
    if not _is_made(venv, wanted):
        say("installing the peers (once)")
        _run([sys.executable, "-m", "venv", str(venv)])
        install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(LOCK),
        ]
        _run([str(venv / "bin" / "python"), *install])
        (venv / "made").write_text(wanted)
    return venv / "bin" / "python"


def node_modules(folder: Path) -> Path:
    """The folder of node packages. Raises `NotHereError` without npm, or where they are not to be had."""
    if shutil.which("npm") is None:
        raise NotHereError("npm is not installed, and its server comes from there")
    place = folder / "node"
    wanted = _digest(str(place), NODE / "package-lock.json")
    if not _is_made(place, wanted):
        say("installing the peers' node packages (once)")
        place.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, place / name)
        _run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(place)])
        (place / "made").write_text(wanted)
    return place / "node_modules"


def version(interpreter: Path, package: str) -> str:
    """What is installed of it."""
    ask = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return _run([str(interpreter), "-c", ask, package]).strip()


def _digest(more: str, lock: Path) -> str:
    return hashlib.sha256(more.encode() + lock.read_bytes()).hexdigest()


def _is_made(place: Path, wanted: str) -> bool:
    """Whether it is whole and of this lock; what is not is removed."""
    made = place / "made"
    if made.is_file() and made.read_text() == wanted:
        return True
    shutil.rmtree(place, ignore_errors=True)
    return False


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no message"]
        raise NotHereError(f"{Path(command[0]).name} could not install it: {lines[-1]}")
    return done.stdout
