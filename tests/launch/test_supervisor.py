"""A service that dies comes back, later and later; one that is asked to stop is asked once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launch import process
from launch.commands import CHECKOUT
from launch.supervisor import Service

COUNTS_SIGNALS = """
import signal, sys, time
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.3)
print("heard", len(heard), flush=True)
"""


def service(tmp_path: Path, *command: str, stop_seconds: float = 5.0) -> Service:
    return Service(
        "thing", list(command), log=tmp_path / "log", env=dict(os.environ), cwd=tmp_path, stop_seconds=stop_seconds
    )


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_service_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    said: list[str] = []
    dying = service(tmp_path, "sh", "-c", "echo started; exit 3")
    dying.start()

    def tended() -> bool:
        dying.tend(said.append)
        return len(said) == 2

    until(tended)
    dying.ask_to_stop()
    assert "thing ended (exit 3); starting it again in 0.5 s" in said[0]
    assert "in 1 s" in said[1]
    assert (tmp_path / "log").read_text() == "started\nstarted\n"


def test_a_polite_stop_sends_one_signal(tmp_path: Path) -> None:
    polite = service(tmp_path, sys.executable, "-c", COUNTS_SIGNALS)
    polite.start()
    until(lambda: "ready" in (tmp_path / "log").read_text())
    polite.ask_to_stop()
    assert polite.await_stop()
    assert "heard 1" in (tmp_path / "log").read_text()


def test_who_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    stubborn = service(tmp_path, "sh", "-c", "trap '' TERM; sleep 77 & echo $!; wait; wait", stop_seconds=0.3)
    stubborn.start()
    until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    grandchild = int((tmp_path / "log").read_text())
    stubborn.ask_to_stop()
    assert not stubborn.await_stop()
    until(lambda: not Path(f"/proc/{grandchild}").exists())


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_whoever_started_them(tmp_path: Path, end: signal.Signals) -> None:
    starts_a_child = (
        "import signal, time; from pathlib import Path; from launch import process;"
        f"child = process.spawn(['sleep', '77'], log=Path({str(tmp_path / 'log')!r}), death_signal=signal.SIGTERM, env={{}}, cwd=Path('/'));"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", starts_a_child], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(end)
    parent.wait()
    until(lambda: not Path(f"/proc/{child}").exists())


def test_stop_of_a_child_that_has_ended_is_quiet(tmp_path: Path) -> None:
    child = process.spawn(["true"], log=tmp_path / "log", death_signal=signal.SIGTERM, env={}, cwd=tmp_path)
    child.wait()
    assert process.stop(child, signal.SIGTERM, 1.0)


def test_we_end_with_whoever_started_us(tmp_path: Path) -> None:
    ends_with_parent = (
        "import os, signal, time; from launch import process; process.stop_with_parent(signal.SIGTERM);"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    make = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} -c '{ends_with_parent}'; true"], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert make.stdout is not None
    launcher = int(make.stdout.readline())
    assert launcher != make.pid
    make.kill()
    make.wait()
    until(lambda: not Path(f"/proc/{launcher}").exists())


def test_a_reader_that_has_gone_does_not_stop_the_stopping() -> None:
    talks = "from launch.terminal import say\nfor _ in range(3): say('line')\nraise SystemExit(7)"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", talks], cwd=CHECKOUT, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (7, b"")
