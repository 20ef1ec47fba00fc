"""What the person at the terminal reads. Plain lines; nothing here needs a terminal to be there."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Print one line of trouble."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
