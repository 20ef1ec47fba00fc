"""Keeping a process's memory and environment from other processes of the same user."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def hide_from_other_processes() -> None:
    """Make ``/proc/<pid>/environ`` and ``mem`` root's: commands that a worker runs under its own user cannot read its secrets there."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
