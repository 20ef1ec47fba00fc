"""`make crash`: the campaigns by hand. SEED= begins elsewhere, ROUNDS= says how many, ONLY=R3 chooses, FULL=1 is the full figures."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from launch.commands import CHECKOUT
from tests.crash.campaigns import CAMPAIGNS
from tests.crash.campaigns.base import Campaign, Stage, Tally
from tests.crash.seeds import keep
from tests.support.session import Session

BOUNDED, FULL = 1, 2


def main(arguments: list[str]) -> int:
    """Run the chosen campaigns; 0 when nothing was wrong."""
    given = _parser().parse_args(arguments)
    chosen = [
        each
        for each in CAMPAIGNS
        if not given.only or each.name.lower().startswith(tuple(given.only.lower().split(",")))
    ]
    seed = given.seed if given.seed is not None else int(time.time()) % 1_000_000
    console = Console()
    console.print(f"seed {seed}, commit {_commit()}, {', '.join(each.name for each in chosen)}")
    results: list[tuple[Campaign, Tally, float]] = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        for campaign in chosen:
            quantity = (
                given.rounds if given.rounds is not None else campaign.quantities[FULL if given.full else BOUNDED]
            )
            bar = progress.add_task(f"{campaign.name} {campaign.title}", total=quantity or None)
            began = time.monotonic()
            tally = _run(campaign, quantity, seed, lambda done, bar=bar: progress.advance(bar, done))  # type: ignore[misc]
            results.append((campaign, tally, time.monotonic() - began))
            keep(tally.problems)
            console.print(f"{campaign.name}: {tally.text()} in {results[-1][2]:.0f} s", *tally.problems[:5], sep="\n  ")
    console.print(_table(results, seed))
    return 1 if any(tally.problems for _, tally, _ in results) else 0


def _run(campaign: Campaign, quantity: int, seed: int, tick: object) -> Tally:
    """One campaign on a server of its own. What it raises is its problem, and no other campaign's."""
    session = Session.start()
    try:
        with tempfile.TemporaryDirectory(prefix="highway-crash-") as folder:
            stage = Stage(session, Path(folder))
            try:
                return campaign.run(stage, quantity, seed, tick)  # type: ignore[arg-type]
            finally:
                stage.close()
    except Exception:  # noqa: BLE001 - the table shall come in any case
        return Tally(problems=[f"the campaign itself ended: {traceback.format_exc()[-3000:]}"])
    finally:
        session.stop()


def _table(results: list[tuple[Campaign, Tally, float]], seed: int) -> Table:
    table = Table("what", "figures", "target", "others", "s", "", title=f"commit {_commit()}, seed {seed}")
    for campaign, tally, seconds in results:
        verdict = f"{len(tally.problems)} wrong" if tally.problems else ("skipped" if tally.skipped else "held")
        table.add_row(
            f"{campaign.name} {campaign.title}",
            tally.text(),
            campaign.target,
            campaign.anchor,
            f"{seconds:.0f}",
            verdict,
        )
    return table


def _commit() -> str:
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    ).stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--full", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
