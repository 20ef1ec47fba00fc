"""One loop runs every program that the engine starts: its bounds, by themselves."""

from __future__ import annotations

import sys
import threading
import time

import psutil
import pytest

from engine.durable.cancellation import Cancellation
from engine.kit import bounded_process
from engine.kit.bounded_process import Bounds, Ended, Started, run_bounded

LOOSE = Bounds(output_bytes=1_000_000, when_flooded="drop", wall_seconds=30)


def run(program: str, bounds: Bounds = LOOSE, **options: object) -> Ended:
    return run_bounded(Started([sys.executable, "-I", "-S", "-c", program], env={}), bounds, **options)  # type: ignore[arg-type]


def test_both_streams_and_the_exit_code_come_back() -> None:
    ended = run("import sys; sys.stdout.write('out'); sys.stderr.write('err'); sys.exit(3)")
    assert (ended.stdout.text(), ended.stderr.text(), ended.returncode, ended.stopped) == ("out", "err", 3, "")


def test_what_is_not_utf8_is_replaced() -> None:
    assert run("import sys; sys.stdout.buffer.write(b'a\\xff')").stdout.text() == "a\ufffd"


def test_the_last_output_before_the_end_is_not_lost() -> None:
    for _ in range(20):
        assert len(run("import os; os.write(1, b'x' * 60_000); os._exit(0)").stdout.kept) == 60_000


def test_a_flood_is_dropped_or_stops_the_program() -> None:
    flood = "import os\nfor _ in range(100): os.write(1, b'x' * 10_000)"
    dropped = run(flood, Bounds(output_bytes=1_000, when_flooded="drop"))
    assert (len(dropped.stdout.kept), dropped.stdout.dropped_bytes, dropped.returncode) == (1_000, 999_000, 0)
    stopped = run(flood, Bounds(output_bytes=1_000, when_flooded="stop"))
    assert (len(stopped.stdout.kept), stopped.stopped) == (1_000, "output")


def test_both_streams_may_be_flooded_at_once() -> None:
    ended = run("import os\nfor _ in range(500): os.write(1, b'o' * 5_000); os.write(2, b'e' * 5_000)")
    assert ended.stdout.dropped_bytes == ended.stderr.dropped_bytes == 1_500_000


def test_wall_time_ends_it() -> None:
    begun = time.monotonic()
    ended = run("import time; print('begun', flush=True); time.sleep(600)", Bounds(100, "drop", wall_seconds=5))
    assert (ended.stopped, ended.stdout.text(), ended.returncode) == ("wall", "begun\n", -9)
    assert time.monotonic() - begun < 60


def test_the_watch_ends_it() -> None:
    assert run("import time; time.sleep(600)", watch=lambda: "memory").stopped == "memory"


@pytest.mark.parametrize("before_seconds", [0, 0.2])
def test_a_cancel_ends_it_also_one_that_came_before(before_seconds: float) -> None:
    cancelled = Cancellation()
    if before_seconds:
        threading.Timer(before_seconds, cancelled.set).start()
    else:
        cancelled.set()
    assert run("import time; time.sleep(600)", cancelled=cancelled).stopped == "cancelled"


def test_a_cancel_after_the_end_reaches_nobody() -> None:
    cancelled = Cancellation()
    run("pass", cancelled=cancelled)
    cancelled.set()


def test_who_does_not_stop_when_asked_is_killed_after_the_grace_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_process, "STOP_GRACE_SECONDS", 0.3)
    asked: list[int] = []
    ended = run(
        "import time; time.sleep(600)", Bounds(100, "drop", wall_seconds=0.2), stop=lambda p: asked.append(p.pid)
    )
    assert len(asked) == 1
    assert (ended.stopped, ended.returncode) == ("wall", -9)


def test_its_group_ends_with_it() -> None:
    ended = run("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)")
    left = int(ended.stdout.text())
    deadline = time.monotonic() + 10  # it is killed by now; a busy machine may still have to carry that out
    while psutil.pid_exists(left) and psutil.Process(left).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_that_is_not_there_is_an_error_of_the_caller() -> None:
    with pytest.raises(FileNotFoundError):
        run_bounded(Started(["/no/such/program"], env={}), LOOSE)
