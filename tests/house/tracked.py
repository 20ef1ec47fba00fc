"""The files of the house, as git knows them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from launch.commands import CHECKOUT


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Tracked and new files that match, without those that git ignores or that are deleted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    paths = (CHECKOUT / name for name in listed.split("\0") if name)
    return tuple(sorted({path for path in paths if path.is_file()}))


def name_of(path: Path) -> str:
    """The path inside the checkout."""
    return path.relative_to(CHECKOUT).as_posix()


def text_of(path: Path) -> str | None:
    """The file's text; None for pictures and the like."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
