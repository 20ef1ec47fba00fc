"""The functional tests of the engine, with workers that suspend at every step, and with workers that hear no notification."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from launch.commands import CHECKOUT
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.support.worker_process import MODES

GOLDEN = "tests/workflow_examples/test_golden.py"
TESTS_SECONDS = 1800.0


def suite() -> list[str]:
    """Every module whose tests have worker processes of their own."""
    modules = [path for path in sorted((CHECKOUT / "tests" / "engine").glob("test_*.py")) if _has_workers(path)]
    return [*(str(path.relative_to(CHECKOUT)) for path in modules), GOLDEN]


def _has_workers(path: Path) -> bool:
    return "from tests.support.workers import Workers" in path.read_text()


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The suite ``quantity`` times in each mode; 0 runs only a golden workflow in each."""
    tally = Tally()
    chosen = suite() if quantity else [f"{GOLDEN}::test_it_completes"]
    passed = {"always_suspend": 0, "deaf": 0}
    for _ in range(max(1, quantity)):
        for mode in passed:
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
                timeout=TESTS_SECONDS,
            )
            passed[mode] += sum(map(int, re.findall(r"(\d+) passed", done.stdout)))
            if done.returncode:
                tally.problems.append(f"{mode}: {done.stdout[-3000:]}")
        tally.done += 1
        tick(1)
    tally.figures = {f"tests passed, {mode}": str(number) for mode, number in passed.items()}
    return tally
