"""What a tree of processes really takes. Limits of the kernel count each process by itself and no files; a fork bomb is many processes."""

from __future__ import annotations

import math
import os
from pathlib import Path

from engine.ports import SandboxLimits

# Each file in a memory file system costs the kernel about a KiB, however empty it is, and no limit of ours counts them.
MAX_FILES = 10_000
_PROC = Path("/proc")
_KIB = 1024


def takes_too_much(root_pid: int, limits: SandboxLimits) -> bool:
    """Whether the processes below and with ``root_pid`` hold more memory than the limit together, or have made too many files."""
    pids = _tree(root_pid)
    return _memory_over(pids, limits.memory_bytes) or any(_files(pid, limits.file_bytes) > MAX_FILES for pid in pids)


def _memory_over(pids: list[int], limit_bytes: int) -> bool:
    """The quick sum counts pages shared after a fork several times; only when it is over the limit are they counted exactly."""
    if sum(_field_bytes(pid, "status", ("RssAnon:", "RssShmem:")) for pid in pids) <= limit_bytes:
        return False
    return sum(_field_bytes(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) for pid in pids) > limit_bytes


def _files(pid: int, work_bytes: int) -> int:
    """Files in the work folder as this process sees it; 0 while it still sees this machine's own, which it does before the wall is built."""
    try:
        work = os.statvfs(_PROC / str(pid) / "root" / "tmp")
    except OSError:
        return 0  # it ended meanwhile
    is_ours = work.f_blocks == math.ceil(work_bytes / work.f_frsize)
    return work.f_files - work.f_ffree if is_ours else 0


def _tree(root_pid: int) -> list[int]:
    found, waiting = [], [root_pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    threads = _PROC / str(pid) / "task"
    try:
        names = os.listdir(threads)  # noqa: PTH208 - pathlib's iterators are slow for what runs twenty times a second
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended meanwhile
    return [int(child) for name in names for child in _read(threads / name / "children").split()]


def _field_bytes(pid: int, name: str, fields: tuple[str, ...]) -> int:
    lines = _read(_PROC / str(pid) / name).splitlines()
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith(fields))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended meanwhile
