"""How much a worker takes on at a time: less while several tenants have tasks."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engine.worker import pace
from engine.worker.pace import ALONE, SHARED, Pace

ONE, OTHER = {uuid4()}, {uuid4()}


def test_a_tenant_alone_is_served_in_long_strides() -> None:
    stride = Pace()
    for _ in range(3):
        stride.took(ONE)
        stride.took(set())
    assert stride.at_once == ALONE.smallest


@pytest.mark.parametrize("looks", [[ONE, OTHER], [ONE, set(), OTHER], [ONE | OTHER]])
def test_strides_are_short_while_another_tenant_comes_by(looks: list[set[object]]) -> None:
    stride = Pace()
    for tenants in looks:
        stride.took(tenants)  # type: ignore[arg-type]
    assert stride.at_once == SHARED.smallest


def test_strides_are_long_again_when_nobody_else_came_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SHARED_SECONDS", 0.0)
    stride = Pace()
    stride.took(ONE)
    stride.took(OTHER)
    stride.took(OTHER)
    assert stride.at_once == ALONE.smallest


def test_what_is_held_ahead_follows_the_pace() -> None:
    stride = Pace()
    stride._since -= pace.WINDOW_SECONDS
    for _ in range(1000):
        stride.left()
    alone = stride.ahead
    stride.took(ONE | OTHER)
    assert 0 < stride.ahead < alone / 2
