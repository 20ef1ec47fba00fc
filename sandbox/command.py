"""The command line that puts a program behind the wall."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.ports import SandboxLimits
from sandbox.errors import SandboxUnavailable
from sandbox.mounts import (
    MODULES,
    Mount,
    mount_arguments,
    python_program,
    readable_by_everyone,
    system_arguments,
)

JOB = "/job"
PROGRAM = f"{JOB}/program.py"
_NOBODY = "65534"
_OPEN_FILES = 64
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", "PYTHONPATH": MODULES}  # noqa: S108
_PACKAGES = {"bwrap": "bubblewrap", "setpriv": "util-linux", "prlimit": "util-linux", "choom": "util-linux"}


def tool_path(name: str) -> str:
    """Where a program of this machine is. Raises `SandboxUnavailable` that names its package."""
    path = shutil.which(name)
    if path is None:
        package = _PACKAGES[name]
        raise SandboxUnavailable(f"{name} is missing: install it with `apt-get install {package}`")
    return path


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Open file descriptors that bubblewrap takes over; none of them but ``channel`` reaches the program.

    ``info`` is told which process is the sandbox's first, from where we stand; ``status`` how the program ended, if it began.
    """

    files: Mapping[str, int]
    info: int
    status: int
    seccomp: int
    channel: int | None = None


def sandbox_command(mounts: Sequence[Mount], fds: Descriptors, limits: SandboxLimits) -> list[str]:
    """Everything from our process to the program.

    As root we become nobody first, because limits do not bind root. What only root can read (a Python below /root) is bound into an outer
    file tree before that; the wall itself is always built by an unprivileged user.
    """
    if os.geteuid() == 0 and not all(readable_by_everyone(mount.source) for mount in mounts):
        staged = [Mount(mount.target, mount.target) for mount in mounts]
        return [*_stage(mounts, fds), *_as_nobody(), *_wall(staged, fds, limits), "--", *_program(limits)]
    drop = _as_nobody() if os.geteuid() == 0 else []
    return [*drop, *_wall(mounts, fds, limits), "--info-fd", str(fds.info), "--", *_program(limits)]


def _stage(mounts: Sequence[Mount], fds: Descriptors) -> list[str]:
    # Its own process namespace, because a dying root process without capabilities may not signal what has become nobody:
    # --die-with-parent of the inner one would fail, but the end of a namespace's first process needs no permission.
    return [
        *(tool_path("bwrap"), "--unshare-pid", "--die-with-parent", "--info-fd", str(fds.info)),
        *system_arguments(),
        *mount_arguments(mounts),
        *("--dev-bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev", "--dir", "/tmp"),  # noqa: S108
        "--",
    ]


def _as_nobody() -> list[str]:
    return [
        *(tool_path("setpriv"), f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"),
        *("--inh-caps=-all", "--bounding-set=-all", "--pdeathsig=KILL", "--"),
    ]


def _wall(mounts: Sequence[Mount], fds: Descriptors, limits: SandboxLimits) -> list[str]:
    placed = [
        part for name, fd in fds.files.items() for part in ("--perms", "0444", "--file", str(fd), f"{JOB}/{name}")
    ]
    told = {} if fds.channel is None else {"HIGHWAY_CHANNEL": str(fds.channel)}
    environment = [part for name, value in {**_ENVIRONMENT, **told}.items() for part in ("--setenv", name, value)]
    return [
        *(tool_path("bwrap"), "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY),
        *("--hostname", "sandbox", "--die-with-parent", "--clearenv", *environment),
        *system_arguments(),
        *mount_arguments(mounts),
        *("--perms", "0755", "--dir", JOB, *placed),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(limits.file_bytes), "--tmpfs", "/tmp", "--chdir", "/tmp"),  # noqa: S108
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--json-status-fd", str(fds.status), "--seccomp", str(fds.seccomp)),
    ]


def _program(limits: SandboxLimits) -> list[str]:
    # The soft CPU limit can be caught by the program, the hard one a second later cannot.
    return [
        *(tool_path("choom"), "-n", "1000", "--", tool_path("prlimit")),
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",
        f"--as={limits.memory_bytes}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={_OPEN_FILES}",
        *("--core=0", "--memlock=0", "--msgqueue=0", "--sigpending=64", "--"),
        *(str(python_program()), "-s", "-S", "-P", "-B", PROGRAM),
    ]
