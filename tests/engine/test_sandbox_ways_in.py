"""The sandbox under each kind of user and on machines that cannot sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import timeit
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.durable.cancellation import Cancellation
from engine.ports import SandboxJob
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.errors import SandboxUnavailable
from sandbox.seccomp import seccomp_filter

PROJECT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
CHECK = "from sandbox.bubblewrap import BubblewrapSandbox; BubblewrapSandbox().check(); print('ok')"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
needs_system_python = pytest.mark.skipif(
    subprocess.run([SYSTEM_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False).returncode
    != 0
    if Path(SYSTEM_PYTHON).exists()
    else True,
    reason="needs a Python 3.11 of the system",
)


@pytest.fixture(scope="module")
def code() -> Iterator[Path]:
    """Our code where everybody may read it."""
    with tempfile.TemporaryDirectory() as folder:
        for package in ("engine", "sandbox"):
            shutil.copytree(PROJECT / package, Path(folder, package))
        Path(folder).chmod(0o755)
        yield Path(folder)


def run(code: Path, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=code, env={}, capture_output=True, text=True, check=False, **options)


def test_the_wall_holds_here() -> None:
    BubblewrapSandbox().check()


@needs_root
@needs_system_python
@pytest.mark.parametrize("user", [None, 54321])
def test_the_wall_holds_for_root_and_for_an_ordinary_user(code: Path, user: int | None) -> None:
    options = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = run(code, SYSTEM_PYTHON, "-c", CHECK, **options)
    assert (done.stdout, done.stderr) == ("ok\n", "")


@needs_root
@needs_system_python
def test_the_memory_of_many_processes_is_bounded_for_an_ordinary_user_too(code: Path) -> None:
    bomb = (
        "import os, time; [os.fork() for _ in range(3)]; held = [bytes([i]) * 2**20 for i in range(40)]; time.sleep(60)"
    )
    program = (
        "from engine.ports import SandboxJob, SandboxLimits; from sandbox.bubblewrap import BubblewrapSandbox;"
        f"print(BubblewrapSandbox().run(SandboxJob({bomb!r}, limits=SandboxLimits(memory_bytes=2**27))).killed)"
    )
    done = run(code, SYSTEM_PYTHON, "-c", program, user=54321, group=54321, extra_groups=[])
    assert (done.stdout, done.stderr) == ("memory\n", "")


@needs_system_python
def test_without_user_namespaces_it_says_what_to_allow(code: Path) -> None:
    outside = [
        "bwrap",
        "--unshare-user",
        "--disable-userns",
        "--uid",
        "1000",
        "--dev-bind",
        "/",
        "/",
        "--chdir",
        str(code),
    ]
    done = run(code, *outside, SYSTEM_PYTHON, "-c", CHECK)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "SandboxUnavailable: bubblewrap cannot start (bwrap: " in last
    assert "user.max_user_namespaces" in last


def test_without_bubblewrap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        SandboxUnavailable,
        match=r"^(bwrap is missing: install it with `apt-get install bubblewrap`|setpriv is missing.*)$",
    ):
        BubblewrapSandbox().check()


def test_a_machine_without_a_system_call_table_is_refused() -> None:
    with pytest.raises(LookupError, match="no system call table for m68k; there is one for x86_64 and aarch64"):
        seccomp_filter("m68k")


def test_every_filter_is_a_whole_number_of_instructions_within_the_kernels_bound() -> None:
    for machine in ("x86_64", "aarch64"):
        program = seccomp_filter(machine)
        assert len(program) % 8 == 0
        assert len(program) // 8 < 4096


def test_a_program_gets_its_input_its_files_and_its_modules() -> None:
    program = "import sys, annotated_types; print(sys.stdin.read(), open('/job/note').read(), annotated_types.__name__)"
    job = SandboxJob(program, stdin="in", files={"note": b"note"}, modules=("annotated_types",))
    assert BubblewrapSandbox().run(job).stdout == "in note annotated_types\n"
    result = BubblewrapSandbox().run(SandboxJob("import annotated_types"))
    assert "ModuleNotFoundError" in result.stderr


def test_a_module_that_is_not_installed_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module is not installed here"):
        BubblewrapSandbox().run(SandboxJob("", modules=("no_such_module",)))


def test_its_exit_code_comes_back() -> None:
    assert BubblewrapSandbox().run(SandboxJob("import sys; sys.exit(3)")).returncode == 3


def test_a_cancel_ends_it_also_one_that_came_before() -> None:
    cancelled = Cancellation()
    cancelled.set()
    assert BubblewrapSandbox().run(SandboxJob("import time; time.sleep(600)"), cancelled).killed == "cancelled"


def test_a_start_is_quick() -> None:
    """Loose enough for a busy machine; about 30 ms on an idle one."""
    assert min(timeit.repeat(lambda: BubblewrapSandbox().run(SandboxJob("")), repeat=5, number=1)) < 0.5


def test_many_at_once_do_not_disturb_each_other() -> None:
    sandbox = BubblewrapSandbox()
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda number: sandbox.run(SandboxJob(f"print({number})")), range(60)))
    assert [(result.stdout, result.killed) for result in results] == [(f"{number}\n", "") for number in range(60)]


def test_no_descriptor_leaks_over_many_runs() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        BubblewrapSandbox().run(SandboxJob("print(1)"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
