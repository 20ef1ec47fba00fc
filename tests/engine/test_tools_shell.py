from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.results import MAX_BYTES
from tests.engine.tool_calls import call, context

PROJECT = Path(__file__).resolve().parents[2]


def run(command: str, **kwargs: object) -> dict[str, object]:
    return call("tools.shell.run", command, **kwargs)


def failure(command: str, **kwargs: object) -> ToolError:
    with pytest.raises(ToolError) as failed:
        run(command, **kwargs)
    return failed.value


def alive(mark: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_it_answers_with_output_and_exit_code() -> None:
    assert run("echo out; echo err >&2") == {"stdout": "out\n", "stderr": "err\n", "returncode": 0}


def test_it_runs_in_bash() -> None:
    assert run("[[ a == a ]] && echo ${BASH_VERSION:+bash}")["stdout"] == "bash\n"


def test_it_sees_only_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "s3cret")
    ctx = context(attempt=3)
    lines = dict(line.split("=", 1) for line in run("env", ctx=ctx, env={"MINE": 7})["stdout"].splitlines())  # type: ignore[attr-defined]
    assert "DATABASE_PASSWORD" not in lines
    assert lines["MINE"] == "7"
    assert lines["HIGHWAY_ATTEMPT"] == "3"
    assert lines["HIGHWAY_STEP"] == "say"
    assert lines["HIGHWAY_WORKFLOW_RUN_ID"] == str(ctx.workflow_run_id)
    assert lines["HIGHWAY_IDEMPOTENCY_KEY"] == f"{ctx.workflow_run_id}:/say"


def test_it_runs_in_an_empty_folder_that_is_gone_afterwards(open_folder: Path) -> None:
    folder = str(run("touch file; pwd")["stdout"]).strip()
    assert not Path(folder).exists()
    assert run("pwd", cwd=str(open_folder))["stdout"] == f"{open_folder}\n"


def test_it_inherits_no_open_file() -> None:
    with Path(__file__).open() as held:
        os.set_inheritable(held.fileno(), True)
        assert run("ls /proc/self/fd | tr '\\n' ' '")["stdout"] == "0 1 2 3 "  # 3 is the listing itself


def test_it_reads_nothing_from_standard_input() -> None:
    assert run("cat; echo done")["stdout"] == "done\n"


def test_an_exit_code_other_than_zero_fails_the_step_with_the_last_lines() -> None:
    failed = failure("for i in $(seq 20); do echo line $i >&2; done; exit 3")
    assert failed.message.startswith("exit code 3: line 11\n")
    assert failed.message.endswith("line 20")
    assert (failed.type, failed.retryable, failed.data["returncode"]) == ("ExitCode", True, 3)
    assert failure("echo only stdout; exit 1").message == "exit code 1: only stdout"
    assert failure("kill -9 $$").message == "exit code 137 (SIGKILL)"
    assert failure("no-such-program").message.startswith("exit code 127:")


def test_without_check_the_exit_code_is_the_answer() -> None:
    assert run("exit 3", check=False) == {"stdout": "", "stderr": "", "returncode": 3}


@pytest.mark.parametrize(
    "command",
    [
        "yes | head -c 5000000",
        "head -c 2000000 /dev/zero",
        "head -c 3000000 /dev/urandom",
        "yes '\"' | head -c 2000000",
    ],
)
def test_much_output_is_cut_and_stays_storable(command: str) -> None:
    answer = run(f"{command}; {{ {command}; }} >&2")
    assert "more bytes were cut off)" in str(answer["stdout"])
    assert "more bytes were cut off)" in str(answer["stderr"])
    assert len(str(answer["stdout"])) < MAX_BYTES


def test_what_is_left_in_the_background_ends_with_the_command() -> None:
    begun = time.monotonic()
    answer = run("sleep 87651 & setsid sleep 87651 & (setsid nohup sleep 87651 >/dev/null 2>&1 &) ; echo done")
    assert answer["stdout"] == "done\n"
    assert alive("sleep 87651") == []
    assert time.monotonic() - begun < 60


def test_a_timeout_kills_the_whole_tree_and_keeps_what_was_said() -> None:
    with pytest.raises(ToolTimeout, match=r"longer than 5 seconds") as failed:
        run("echo begun; sleep 87652 | cat & setsid sleep 87652; wait", timeout_seconds=5)
    assert failed.value.data["stdout"] == "begun\n"
    assert alive("sleep 87652") == []


def test_the_timeout_of_the_attempt_bounds_it_too() -> None:
    with pytest.raises(ToolTimeout):
        run("sleep 600", ctx=context(timeout_seconds=0.3))


def test_a_command_that_ignores_signals_is_killed_all_the_same() -> None:
    with pytest.raises(ToolTimeout):
        run("trap '' TERM INT HUP; while true; do sleep 0.1; done", timeout_seconds=2)


def test_a_cancel_kills_the_whole_tree() -> None:
    ctx = context()
    threading.Timer(0.3, ctx.cancelled.set).start()
    with pytest.raises(ToolCancelled):
        run("setsid sleep 87653 & sleep 87653", ctx=ctx)
    assert alive("sleep 87653") == []


@pytest.mark.parametrize("signal_number", [9, 15])
def test_everything_dies_with_the_worker(signal_number: int) -> None:
    command = "(setsid sleep 87654 &) ; bash -c 'sleep 87654 & wait' & sleep 87654"
    code = f"from tests.engine.tool_calls import call; call('tools.shell.run', {command!r})"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    wait_for(lambda: len(alive("sleep 87654")) >= 4)
    worker.send_signal(signal_number)
    worker.wait()
    wait_for(lambda: alive("sleep 87654") == [])


def test_the_folder_of_a_command_is_removed_although_the_worker_was_killed(open_folder: Path) -> None:
    note = open_folder / "folder"
    code = f"from tests.engine.tool_calls import call; call('tools.shell.run', 'mkdir a; touch a/b; pwd > {note}; sleep 600')"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    wait_for(lambda: note.exists() and note.read_text().endswith("\n"))
    worker.kill()
    worker.wait()
    wait_for(lambda: not Path(note.read_text().strip()).exists())


def test_a_command_that_keeps_forking_is_ended() -> None:
    with pytest.raises(ToolTimeout):
        run("f() { (f 87655 &) ; sleep 0.05; }; while true; do f; sleep 0.02; done", timeout_seconds=0.5)
    wait_for(lambda: alive("87655") == [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"command": ""}, "command: string should have at least 1 character"),
        ({"command": "a\0b"}, "command: contains a NUL character"),
        ({"command": "x" * 200_000}, "command: is longer than 120,000 bytes"),
        ({"command": "true", "cwd": "/no/such/folder"}, "cwd: there is no folder '/no/such/folder'"),
        ({"command": "true", "env": {"a=b": "c"}}, "'a=b' cannot be an environment variable"),
        ({"command": "true", "env": {"a": "x" * 3_000_000}}, "longer than the system allows"),
        ({"command": "true", "timeout_seconds": 0}, "timeout_seconds: input should be greater than 0"),
        ({"cmd": "true"}, "command is required"),
    ],
)
def test_wrong_arguments_are_refused_in_plain_words(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ToolInputError) as refused:
        call("tools.shell.run", **arguments)
    assert message in refused.value.message


def test_it_starts_quickly() -> None:
    """Loose enough for a busy machine; about 25 ms on an idle one."""
    assert min(timeit.repeat(lambda: run("true"), repeat=5, number=1)) < 0.5
