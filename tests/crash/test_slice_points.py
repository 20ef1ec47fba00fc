"""A slice of R1 (kills at fault points, statements, chance), the fault points themselves, and the seeds that failed once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.kit.fault_points import FaultPoint
from launch.commands import CHECKOUT
from tests.crash import oracles
from tests.crash.campaigns import CAMPAIGNS, r01_everywhere
from tests.crash.campaigns.base import Stage
from tests.crash.conftest import held
from tests.crash.faults import Fault, noted
from tests.crash.plans import Plan, plan_for
from tests.crash.rounds import Round, play
from tests.crash.seeds import keep, kept

SLICE = {campaign.name: (campaign.run, campaign.quantities[0]) for campaign in CAMPAIGNS}
pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("name", ["R1.points", "R1.statements", "R1.random"])
def test_nothing_is_lost_doubled_or_stuck(name: str, stage: Stage, seed: int) -> None:
    run, quantity = SLICE[name]
    held(run(stage, quantity, seed, lambda _: None))


def test_every_fault_point_is_reached_by_the_reference_workflows(stage: Stage) -> None:
    never = 10_000  # counts, and hurts nobody
    with stage.arena() as arena:
        different = (
            FaultPoint.STEP_BEFORE_BODY,
            FaultPoint.CANCEL_HEARD,
            FaultPoint.DRAIN_BEGIN,
            FaultPoint.ACTIVITY_BEAT,
        )
        plans = [Plan(1, (Fault(point, "kill", never),) * 2) for point in different]
        assert play(arena, plans, at_once=2) == []
        assert Round(arena, plan_for(FaultPoint.REAPER_UPDATE, 1)).play() == []
        reached = set(noted(arena.folder / "reached"))
    folder = stage.folder / "migration"
    assert r01_everywhere.interrupted_migration(stage, folder, 1) == []
    assert set(FaultPoint) - reached - set(noted(folder / "reached")) == set()


def test_every_fault_point_stands_in_the_engine() -> None:
    engine = "".join(path.read_text() for path in (CHECKOUT / "engine").rglob("*.py") if path.name != "fault_points.py")
    assert [point.name for point in FaultPoint if f"FaultPoint.{point.name}" not in engine] == []


def test_seeds_that_failed_once_hold_now(stage: Stage) -> None:
    assert r01_everywhere.replay(stage, kept()) == []


def test_a_failing_round_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "seeds.json"
    file.write_text("[]")
    monkeypatch.setattr("tests.crash.seeds.FILE", file)
    plan = plan_for(FaultPoint.CLAIM_BEFORE, 7)
    keep([f"{plan}: I3 run x is failed", f"{plan}: I5 something", "the campaign itself ended"])
    assert kept() == [plan]


def test_every_invariant_that_exists_has_an_oracle() -> None:
    named = {
        text.split(":")[0]
        for text in (oracle.__doc__ or "" for oracle in vars(oracles).values() if callable(oracle))
        if text[:1] == "I"
    }
    assert {
        "I1",
        "I2",
        "I3",
        "I4",
        "I5 and I15",
        "I6",
        "I7",
        "I8",
        "I9",
        "I10",
        "I11",
        "I12",
        "I13",
        "I14",
        "I15",
        "I16",
        "I18",
    } <= named


def test_the_engine_s_own_code_arms_nothing() -> None:
    found = subprocess.run(
        ["git", "grep", "-nE", r"fault_points import.*\barm\b", "--", "engine"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
