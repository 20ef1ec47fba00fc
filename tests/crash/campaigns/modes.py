"""The functional tests of the engine, with workers that suspend at every step, and with workers that hear no notification."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from launch.commands import CHECKOUT
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.support.worker_process import MODES

SUITE = (
    "tests/engine/test_worker.py",
    "tests/engine/test_worker_survives.py",
    "tests/workflow_examples/test_golden.py",
)


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The suite ``quantity`` times in each mode; 0 runs only a golden workflow in each."""
    tally = Tally()
    chosen = SUITE if quantity else (f"{SUITE[2]}::test_it_completes",)
    for mode in ("always_suspend", "deaf"):
        passed = 0
        for _ in range(max(1, quantity)):
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    *(["-n", "2"] if quantity else ["-k", "ultimate"]),
                    *chosen,
                ],
                cwd=CHECKOUT,
                env={**os.environ, MODES: mode},
                capture_output=True,
                text=True,
                check=False,
                timeout=900,
            )
            passed += sum(map(int, re.findall(r"(\d+) passed", done.stdout)))
            if done.returncode:
                tally.problems.append(f"{mode}: {done.stdout[-1500:]}")
            tally.done += 1
            tick(1)
        tally.figures[f"tests passed, {mode}"] = str(passed)
    return tally
