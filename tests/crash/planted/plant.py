"""Plants one bug in a copy of the tree and runs the test that is about it, then others and a slice of the campaigns: who catches it?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from launch.commands import CHECKOUT

FOLDER = Path(__file__).parent
# When the test that is about it sees nothing: what runs with every `make test` all the same.
WIDER = (
    "tests/engine --ignore=tests/engine/test_plans.py -k 'interleavings or worker or group_commit or claims or doctor or connections'",
    "tests/crash/test_slice_points.py tests/crash/test_slice_faults.py -k 'stuck or R5 or R8 or R7'",
)
SECONDS = 600


@dataclass(frozen=True, slots=True)
class Bug:
    """A patch: its first line says what is wrong, its second which test is about it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def what(self) -> str:
        return self.path.read_text().splitlines()[0]

    @property
    def tests(self) -> str:
        return self.path.read_text().splitlines()[1].removeprefix("Tests: ")


def bugs() -> list[Bug]:
    """All of them, in order."""
    return [Bug(path) for path in sorted(FOLDER.glob("*.patch"))]


def applies(bug: Bug) -> str:
    """What is wrong with the patch on today's tree; empty when it applies."""
    command = ["git", "apply", "--check", str(bug.path)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False).stderr.strip()


@dataclass(frozen=True, slots=True)
class Catch:
    """The test that failed first with a bug planted, and whether it is the one that is about it."""

    test: str
    is_about_it: bool


def caught_by(bug: Bug) -> Catch | None:
    """Who fails with the bug planted; None when all pass."""
    with tempfile.TemporaryDirectory(prefix="highway-planted-") as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        _git_apply(tree, "--apply", bug)
        for tests in (bug.tests, *WIDER):
            found = _first_failure(tree, tests)
            if found and _fails_anyway(tree, bug, found):
                raise RuntimeError(f"{found} fails without {bug.name}, too: make the suite green first")
            if found:
                return Catch(found, tests == bug.tests)
    return None


def _fails_anyway(tree: Path, bug: Bug, test: str) -> bool:
    """Whether the test that caught the bug fails also when the bug is taken out again."""
    if "::" not in test:
        return False  # tests that did not end; that they do end otherwise is what every `make test` shows
    _git_apply(tree, "--reverse", bug)
    failed = bool(_first_failure(tree, shlex.quote(test)))
    _git_apply(tree, "--apply", bug)
    return failed


def _git_apply(tree: Path, way: str, bug: Bug) -> None:
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    subprocess.run(["git", "apply", way, str(bug.path)], cwd=tree, check=True, env=environment)


def _copy(tree: Path) -> None:
    """The tracked files as they are now, and the environment they run in."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, tree / name)
    (tree / ".venv").symlink_to(CHECKOUT / ".venv")


def _first_failure(tree: Path, tests: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--timeout=90",
        "-p",
        "no:cacheprovider",
        *shlex.split(tests),
    ]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"{tests}: not over after {SECONDS} s"
    if done.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.M)
    if failed is None and "Timeout" not in done.stdout + done.stderr:
        raise RuntimeError(f"{tests} did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failed[1] if failed else f"{tests}: a test did not end"
