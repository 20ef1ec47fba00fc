"""`make run` as a person meets it: it starts, shows a real run, survives deaths, stops cleanly and starts again."""

from __future__ import annotations

import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from launch.demo import GOLDEN
from tests.launch.launcher import Launcher

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of its own, which keeps its data from one test of this module to the next."""
    with tempfile.TemporaryDirectory(prefix="highway-launcher-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"


@pytest.fixture
def launched(home: Path) -> Iterator[Callable[..., Launcher]]:
    """Starts launchers, and leaves none behind."""
    started: list[Launcher] = []

    def launch(*arguments: str) -> Launcher:
        started.append(Launcher(home, *arguments))
        return started[-1]

    yield launch
    for launcher in started:
        if launcher.process.poll() is None:
            launcher.process.kill()
            launcher.process.wait()


def gone(processes: list[psutil.Process], seconds: float = 20.0) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def test_a_first_start_killed_in_the_middle_is_repaired_by_the_next(
    launched: Callable[..., Launcher], home: Path
) -> None:
    first = launched("--once")
    deadline = time.monotonic() + 60
    while not (home / "log" / "migrate.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.5)
    orphans = first.children()
    first.process.kill()
    first.process.wait()
    assert gone(orphans)

    second = launched("--once")
    assert second.end() == 0, "".join(second.lines)
    assert any(line.startswith("password: ") for line in second.lines)
    assert second.lines.count(f"result: {GOLDEN}\n") == 1


def test_it_keeps_what_was_there_and_prints_no_password_again(launched: Callable[..., Launcher]) -> None:
    again = launched("--once")
    assert again.end() == 0, "".join(again.lines)
    assert not any("password" in line for line in again.lines)
    started = re.search(r"started in ([\d.]+) s", again.wait_for("the platform runs at"))
    assert started is not None
    assert again.lines.count(f"result: {GOLDEN}\n") == 1


def test_who_dies_is_started_again_and_ctrl_c_stops_all(launched: Callable[..., Launcher]) -> None:
    launcher = launched()
    launcher.wait_for("stop it with Ctrl-C")

    launcher.child("runworker").kill()
    assert "signal SIGKILL" in launcher.wait_for("worker-1 ended")
    launcher.child("bin/postgres").kill()
    launcher.wait_for("PostgreSQL ended; starting it again")
    launcher.child("gunicorn").kill()
    launcher.wait_for("web ended")
    deadline = time.monotonic() + 30
    while sum("runworker" in " ".join(each.cmdline()) for each in launcher.children()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    everybody = launcher.children()
    launcher.process.send_signal(signal.SIGINT)
    assert launcher.end() == 0, "".join(launcher.lines)
    assert gone(everybody)
    assert launcher.lines[-1] == "stopped, everything is kept\n"


def test_kill_9_of_the_launcher_leaves_nobody_behind(launched: Callable[..., Launcher]) -> None:
    launcher = launched()
    launcher.wait_for("stop it with Ctrl-C")
    everybody = launcher.children()
    assert len(everybody) > 4
    launcher.process.kill()
    launcher.process.wait()
    assert gone(everybody)


def test_a_second_start_beside_a_running_one_is_refused(launched: Callable[..., Launcher]) -> None:
    first = launched()
    first.wait_for("the platform runs at")
    second = launched("--once")
    assert second.end() == 1
    [line] = second.lines
    assert f"the platform runs already: http://127.0.0.1:{first.port}, process {first.process.pid}" in line
    first.process.send_signal(signal.SIGTERM)
    assert first.end() == 0
