"""What the person at the terminal reads. Plain lines; nothing here needs a terminal to be there."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(line: str) -> None:
    """Print one line, at once."""
    _write(sys.stdout, line)


def complain(line: str) -> None:
    """Print one line of trouble."""
    _write(sys.stderr, line)


def _write(stream: TextIO, line: str) -> None:
    """A reader that has gone (a closed terminal, `| head`) must not keep us from stopping in order: from then on nobody is told."""
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
