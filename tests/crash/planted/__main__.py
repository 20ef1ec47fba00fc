"""``python -m tests.crash.planted [names]``: plant each bug and tell which test caught it. 0 when all were caught."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table

from tests.crash.planted.plant import bugs, caught_by


def main(names: list[str]) -> int:
    """Plant the bugs whose names begin so; all of them when none is given."""
    console, table = Console(), Table("bug", "what", "caught by", "s")
    missed = []
    for bug in [bug for bug in bugs() if not names or bug.name.startswith(tuple(names))]:
        began = time.monotonic()
        catcher = caught_by(bug)
        missed += [] if catcher else [bug.name]
        table.add_row(bug.name, bug.what, catcher or "NOBODY", f"{time.monotonic() - began:.0f}")
        console.print(f"{bug.name}: {catcher or 'NOBODY'} ({time.monotonic() - began:.0f} s)")
    console.print(table)
    console.print(f"missed: {', '.join(missed)}" if missed else "all were caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
