"""How much memory a tree of processes really holds. Limits of the kernel count each process by itself; a fork bomb is many."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")
_KIB = 1024


def memory_over(root_pid: int, limit_bytes: int) -> bool:
    """Whether the processes below and with ``root_pid`` hold more than the limit together.

    The quick sum counts pages shared after a fork several times; only when it is over the limit are they counted exactly.
    """
    pids = _tree(root_pid)
    if sum(_field_bytes(pid, "status", ("RssAnon:", "RssShmem:")) for pid in pids) <= limit_bytes:
        return False
    return sum(_field_bytes(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) for pid in pids) > limit_bytes


def _tree(root_pid: int) -> list[int]:
    found, waiting = [], [root_pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for file in (_PROC / str(pid) / "task").glob("*/children"):
        children += [int(child) for child in _read(file).split()]
    return children


def _field_bytes(pid: int, name: str, fields: tuple[str, ...]) -> int:
    lines = _read(_PROC / str(pid) / name).splitlines()
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith(fields))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended meanwhile
