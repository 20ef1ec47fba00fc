"""An environment of its own for the client `highway`, installed once for each lock file, below var/."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.commands import CHECKOUT

LOCK_FILE = CHECKOUT / "requirements" / "client-highway.txt"
PROGRAMS = Path(__file__).with_name("programs")
MARK = "RESULT:"


@dataclass(frozen=True)
class DriverProgram:
    """Runs the programs beside this file with the client's own interpreter, against one server."""

    python: Path
    url: str
    key: str
    folder: Path

    def run(self, name: str, *arguments: str) -> dict[str, Any]:
        """What the program said of its result. It runs in an empty folder: the driver leaves a database in the current one."""
        done = subprocess.run(
            [self.python, PROGRAMS / f"{name}.py", *arguments],
            env={"PATH": os.environ["PATH"], "HIGHWAY_API_ENDPOINT": self.url, "HIGHWAY_API_KEY": self.key},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        said = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        assert said, f"{name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return json.loads(said[-1].removeprefix(MARK))


def client_python() -> Path:
    """The interpreter of the client's environment, which is made when it is missing or its lock file has changed."""
    content = hashlib.sha256(LOCK_FILE.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CHECKOUT / "var" / "clients" / f"highway-{content}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK_FILE]
            subprocess.run(install, check=True)
            (folder / "complete").touch()
    return python
