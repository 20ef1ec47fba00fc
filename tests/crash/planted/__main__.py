"""``python -m tests.crash.planted [names]``: plant each bug and tell which test caught it. 0 when each was, by the test that is about it."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table

from tests.crash.planted.plant import bugs, caught_by


def main(names: list[str]) -> int:
    """Plant the bugs whose names begin so; all of them when none is given."""
    console, table = Console(width=200), Table("bug", "what", "caught by", "", "s")
    missed, elsewhere = [], []
    for bug in [bug for bug in bugs() if not names or bug.name.startswith(tuple(names))]:
        began = time.monotonic()
        catch = caught_by(bug)
        missed += [] if catch else [bug.name]
        elsewhere += [bug.name] if catch and not catch.is_about_it else []
        verdict = ("about it" if catch.is_about_it else "elsewhere") if catch else ""
        seconds = f"{time.monotonic() - began:.0f}"
        table.add_row(bug.name, bug.what, catch.test if catch else "NOBODY", verdict, seconds)
        console.print(f"{bug.name}: {catch.test if catch else 'NOBODY'} {verdict} {seconds} s", markup=False)
    console.print(table)
    console.print(
        f"missed: {', '.join(missed) or 'none'}; caught by another test only: {', '.join(elsewhere) or 'none'}"
    )
    return 1 if missed or elsewhere else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
