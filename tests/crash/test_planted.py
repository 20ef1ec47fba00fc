"""R13: bugs planted on purpose. All apply to today's tree; two are really run here, all by `python -m tests.crash.planted`."""

from __future__ import annotations

import pytest

from tests.crash.planted.plant import Bug, applies, bugs, caught_by

RUN_HERE = ("11_claim_keeps_the_epoch", "15_last_emit_wins")


def test_there_are_at_least_twenty() -> None:
    assert len(bugs()) >= 20


@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.name)
def test_it_applies_to_today_s_tree(bug: Bug) -> None:
    assert applies(bug) == "", f"make {bug.path.name} anew: its place has moved"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", RUN_HERE)
def test_it_is_caught(name: str) -> None:
    (bug,) = (bug for bug in bugs() if bug.name == name)
    catch = caught_by(bug)
    assert catch
    assert catch.is_about_it
