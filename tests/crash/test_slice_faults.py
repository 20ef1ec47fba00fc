"""A slice of each other campaign: servers, connections, zombies, timers, races, repeated requests, bad machines."""

from __future__ import annotations

import pytest

from tests.crash.campaigns import CAMPAIGNS
from tests.crash.campaigns.base import Campaign, Stage
from tests.crash.conftest import held

ELSEWHERE = ("R1.", "R2", "R11", "modes", "examples")
OTHERS = [campaign for campaign in CAMPAIGNS if not campaign.name.startswith(ELSEWHERE)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("campaign", OTHERS, ids=lambda campaign: campaign.name)
def test_it_holds(campaign: Campaign, stage: Stage, seed: int) -> None:
    held(campaign.run(stage, campaign.quantities[0], seed, lambda _: None))
