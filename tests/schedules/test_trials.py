"""A slice of R11: a year, a dozen zones, schedulers killed all the time."""

from __future__ import annotations

import pytest

from tests.schedules.trials import BEGIN, run_cron_trials
from tests.schedules.world import changing_zones
from tests.support.databases import Database

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Nuuk",
    "America/Santiago",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Chatham",
]


@pytest.mark.parametrize("seed", [1, 7])
def test_schedulers_that_are_killed_double_and_miss_nothing(database: Database, seed: int) -> None:
    figures = run_cron_trials(database, seed, rounds=20, years=1, zones=ZONES)
    assert figures["expected"] > 300
    assert (figures["doubled"], figures["missed"]) == (0, 0), figures
    assert figures["fired"] == figures["expected"]


def test_every_zone_whose_clocks_change_is_in_the_full_trial() -> None:
    zones = changing_zones(BEGIN, 2)
    assert len(zones) > 100
    assert {"Africa/Cairo", "Australia/Lord_Howe", "Antarctica/Troll"} <= set(zones)
