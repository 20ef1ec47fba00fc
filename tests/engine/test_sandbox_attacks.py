"""Programs that try to break out or to take the machine down. They run for real, and no check of their source stands before the wall."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.ports import SandboxJob, SandboxLimits, SandboxResult
from sandbox.bubblewrap import BubblewrapSandbox

PROJECT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024


def attack(program: str, **limits: float) -> SandboxResult:
    return BubblewrapSandbox().run(SandboxJob(textwrap.dedent(program), limits=SandboxLimits(**limits)))


def outcome(expression: str) -> str:
    """What evaluating an expression in the sandbox gives: its repr, or the name of the exception."""
    result = attack(f"""
        import ctypes, glob, os, signal, socket
        try:
            print({expression})
        except Exception as error:
            print(type(error).__name__)
    """)
    return (result.stdout + result.stderr).strip()


def survivors(mark: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]


def test_it_is_nobody_without_capabilities() -> None:
    assert outcome("os.getresuid(), os.getgroups()") == "(65534, 65534, 65534) []"
    status = attack("print(open('/proc/self/status').read())").stdout
    for line in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{line}:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_a_program_with_a_line_to_us_has_that_one_open_file_more() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        program = (
            "import os; print(os.environ['HIGHWAY_CHANNEL'], sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"
        )
        result = BubblewrapSandbox().run(SandboxJob(program, channel=theirs.fileno()))
    number, _, fds = result.stdout.strip().partition(" ")
    assert int(number) == theirs.fileno() or theirs.fileno() == -1
    assert len(fds.split(",")) == 5, fds  # 0, 1, 2, the listing itself, the line


def test_it_inherits_no_environment_and_no_open_files() -> None:
    os.environ["HIGHWAY_TEST_SECRET"] = "s3cret"
    try:
        assert outcome("sorted(os.environ)") == "['HOME', 'LANG', 'PATH', 'PWD', 'PYTHONPATH']"
        assert outcome("sorted(os.listdir('/proc/self/fd'))") == "['0', '1', '2', '3']"  # 3 is the listing itself
    finally:
        del os.environ["HIGHWAY_TEST_SECRET"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/highway/config.ini",
        "/home",
        "/root/.ssh",
        "/var",
        "/run",
        "/sys",
        "/srv",
        str(PROJECT),
    ],
)
def test_it_does_not_see_this_machine(path: str) -> None:
    assert outcome(f"os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r})") == "FileNotFoundError"


def test_it_does_not_see_files_of_others_in_tmp(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    assert outcome(f"open({str(tmp_path / 'secret')!r}).read()") == "FileNotFoundError"
    assert outcome("os.listdir('/tmp')") == "[]"


def test_it_sees_no_process_but_its_own() -> None:
    assert outcome("len([p for p in os.listdir('/proc') if p.isdigit()])") == "2"
    environment = outcome("open('/proc/1/environ').read()")
    assert environment == "PermissionError" or "HIGHWAY" not in environment
    assert outcome("os.listdir('/proc/1/root/home')") in {"PermissionError", "FileNotFoundError"}
    assert outcome(f"os.kill({os.getpid()}, 9)") == "ProcessLookupError"


def test_it_cannot_write_outside_its_work_folder() -> None:
    for path in (
        "/x",
        "/usr/x",
        "/etc/x",
        "/job/program.py",
        "/job/x",
        "/opt/x",
        "/dev/x",
        "/proc/sys/kernel/hostname",
    ):
        assert outcome(f"open({path!r}, 'w')") in {"OSError", "PermissionError", "FileNotFoundError"}, path


def test_it_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert outcome(f"socket.create_connection(('127.0.0.1', {port}), 2)") == "OSError"
    for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        assert outcome(f"socket.socket(socket.{family}, socket.SOCK_DGRAM)") == "OSError", family


def test_it_reaches_no_abstract_socket_of_this_machine() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0highway-test")
        server.listen()
        assert outcome("socket.socket(socket.AF_UNIX).connect('\\0highway-test')") == "ConnectionRefusedError"


@pytest.mark.parametrize(
    "call",
    [
        "ptrace(16, 1, 0, 0)",
        "unshare(0x10000000)",
        "setns(3, 0)",
        "mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "umount2(b'/tmp', 2)",
        "chroot(b'/tmp')",
        "memfd_create(b'x', 0)",
        "shmget(0, 1048576, 0o1600)",
        "syscall(56, 0x10000011, 0, 0, 0, 0)" if os.uname().machine == "x86_64" else "unshare(0x20000000)",
        "syscall(425, 1, None)",
        "personality(0x0040000)",
    ],
)
def test_system_calls_that_open_the_wall_are_refused(call: str) -> None:
    libc = "ctypes.CDLL(None, use_errno=True)"
    assert outcome(f"({libc}.{call}, ctypes.get_errno())") == "(-1, 1)"


def test_a_file_with_setuid_gives_nothing() -> None:
    assert (
        outcome("__import__('subprocess').run(['/usr/bin/su', '-c', 'id'], capture_output=True).returncode != 0")
        == "True"
    )


def test_an_endless_loop_ends_with_its_processor_time() -> None:
    assert attack("while True: pass", cpu_seconds=1, wall_seconds=20).killed == "cpu"


def test_a_program_that_ignores_the_processor_limit_is_killed_all_the_same() -> None:
    result = attack(
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", cpu_seconds=1, wall_seconds=20
    )
    assert result.returncode == 137


def test_a_sleeper_ends_with_its_wall_clock_time() -> None:
    begun = time.monotonic()
    assert attack("import time; time.sleep(600)", wall_seconds=0.5).killed == "wall"
    assert time.monotonic() - begun < 5


def test_one_process_cannot_take_more_memory_than_its_limit() -> None:
    result = attack("x = bytearray(600 * 1024 * 1024)")
    assert result.returncode == 1
    assert "MemoryError" in result.stderr


def test_many_processes_together_cannot_take_more_memory_than_the_limit() -> None:
    result = attack(
        """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                break
        held = [bytes([i]) * (1024 * 1024) for i in range(40)]
        time.sleep(60)
        """,
        memory_bytes=128 * MIB,
        wall_seconds=30,
    )
    assert result.killed == "memory"


def test_memory_shared_after_a_fork_is_counted_once() -> None:
    result = attack(
        """
        import os, time
        held = bytes(range(256)) * (60 * 4096)
        for _ in range(6):
            if os.fork() == 0:
                time.sleep(0.3)
                os._exit(0)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
        print("done")
        """,
        memory_bytes=256 * MIB,
        wall_seconds=30,
    )
    assert (result.killed, result.stdout) == ("", "done\n")


def test_a_fork_bomb_is_bounded_and_gone() -> None:
    result = attack(
        """
        import os, time
        made = 0
        try:
            while True:
                if os.fork() == 0:
                    time.sleep(600)
                made += 1
        except OSError:
            print(made)
        """,
        processes=16,
    )
    assert int(result.stdout) < 16


def test_a_fork_bomb_does_not_starve_another_sandbox() -> None:
    bomb = "import os, time\ntry:\n  while True:\n    os.fork()\nexcept OSError:\n  time.sleep(3)"
    bombing = threading.Thread(target=attack, args=(bomb,), kwargs={"processes": 8, "wall_seconds": 3})
    bombing.start()
    time.sleep(0.5)
    other = attack(
        "import subprocess; print(subprocess.run(['/bin/echo', 'fine'], capture_output=True).stdout)", processes=8
    )
    bombing.join()
    assert other.stdout == "b'fine\\n'\n"


def test_a_flood_of_output_is_cut() -> None:
    result = attack("while True: print('x' * 1000)", output_bytes=100_000)
    assert result.killed == "output"
    assert len(result.stdout) <= 100_000


def test_the_disk_it_can_fill_is_small() -> None:
    result = attack(
        """
        total = 0
        try:
            for n in range(100):
                with open(f"/tmp/{n}", "wb", buffering=0) as file:
                    total += file.write(bytes(1024 * 1024))
        except OSError as error:
            print(total, error.errno)
        """,
        file_bytes=4 * MIB,
    )
    total, number = result.stdout.split()
    assert int(total) <= 4 * MIB
    assert number == "28"


def test_files_without_content_are_bounded_too() -> None:
    result = attack("n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close()\n    n += 1", wall_seconds=30)
    assert result.killed == "memory"


def test_a_daemon_does_not_survive() -> None:
    result = attack("""
        import os, subprocess
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 64)
                os.execv("/bin/sleep", ["sleep", "98761"])
            os._exit(0)
        os.wait()
        print("ended")
    """)
    assert result.stdout == "ended\n"
    assert survivors("98761") == []


def test_nothing_survives_a_kill_for_time() -> None:
    attack(
        "import os; os.fork(); os.setsid() if os.getpid() != 2 else 0; os.execv('/bin/sleep', ['sleep', '98762'])",
        wall_seconds=0.5,
    )
    assert survivors("98762") == []


def test_killing_its_own_first_process_only_ends_the_program() -> None:
    attack("import os; os.kill(1, 9); os.kill(-1, 9); os.execv('/bin/sleep', ['sleep', '98764'])", wall_seconds=1)
    assert survivors("98764") == []


def test_nothing_survives_when_our_process_is_killed() -> None:
    program = "import os; os.fork(); os.execv('/bin/sleep', ['sleep', '98763'])"
    code = f"from engine.ports import SandboxJob; from sandbox.bubblewrap import BubblewrapSandbox; BubblewrapSandbox().run(SandboxJob({program!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    wait_for(lambda: len(survivors("sleep 98763")) >= 2)
    process.kill()
    process.wait()
    wait_for(lambda: survivors("98763") == [])


def test_names_of_files_cannot_reach_out_of_the_job_folder() -> None:
    with pytest.raises(ValueError, match="plain name"):
        BubblewrapSandbox().run(SandboxJob("print(1)", files={"../etc/passwd": b"x"}))


def wait_for(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
