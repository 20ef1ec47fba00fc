"""`make bench` runs: every workload on ours and the floor, tiny. Speeds are not looked at: a benchmark is no test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.names import LONG, OURS, TABLE
from launch.commands import CHECKOUT


@pytest.mark.timeout(600)
def test_every_workload_is_measured(open_folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bench",
        "--smoke",
        "--only",
        "highway,floor",
        "--folder",
        str(open_folder / "bench"),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout[done.stdout.index("\nworkload") :]
    measured = {line.split()[0] for line in table.splitlines() if f" {OURS} " in line}
    assert measured >= {*TABLE, *LONG}
    assert "FAILED" not in table
