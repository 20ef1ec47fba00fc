"""R11: simulated years of cron in every zone whose clocks change, while schedulers are killed (tests.schedules.trials)."""

from __future__ import annotations

from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.schedules.trials import run_cron_trials
from tests.support.databases import clone

FULL_KILLS, FULL_YEARS = 500, 10


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` kills; ten years when they are as many as the target says, else one."""
    database = clone(stage.session, "engine")
    try:
        figures = run_cron_trials(
            database, seed, quantity, years=FULL_YEARS if quantity >= FULL_KILLS else 1, tick=tick
        )
    finally:
        database.drop()
    shown = ("years", "zones", "kills", "expected", "fired", "doubled", "missed")
    tally = Tally(figures["kills"], figures={name: str(figures[name]) for name in shown})  # type: ignore[literal-required]
    if figures["doubled"] or figures["missed"] or figures["fired"] != figures["expected"]:
        tally.problems.append(f"seed {seed}: {figures}")
    return tally
