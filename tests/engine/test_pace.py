"""How much a worker takes on at a time: less while somebody has few tasks beside the many of another tenant."""

from __future__ import annotations

import pytest

from engine.worker import pace
from engine.worker.pace import ALONE, SHARED, Pace


def test_a_tenant_alone_is_served_in_long_strides() -> None:
    assert Pace().at_once == ALONE.smallest


def test_strides_are_short_while_somebody_waits_behind_many() -> None:
    stride = Pace()
    stride.shared()
    assert stride.at_once == SHARED.smallest
    assert stride.is_shared


def test_strides_are_long_again_when_nobody_did_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SHARED_SECONDS", 0.0)
    stride = Pace()
    stride.shared()
    assert stride.at_once == ALONE.smallest


def test_what_is_held_ahead_follows_the_pace() -> None:
    stride = Pace()
    stride._since -= pace.WINDOW_SECONDS
    for _ in range(1000):
        stride.left()
    alone = stride.ahead
    stride.shared()
    assert 0 < stride.ahead < alone / 2
