"""Fixtures for the engine's tests alone; those for every test are in tests/support."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def a_round_of_cron_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for a second does not end a round of the scheduler before all that is due is decided."""
    monkeypatch.setattr("engine.services.cron.MOST_SECONDS", 60.0)
