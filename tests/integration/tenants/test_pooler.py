"""A pooler that shares sessions would leak tenants: found at the first connection, and refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from highway_platform.kit.pooler import PoolerGuard


class Greeting:
    """A connection whose server said one process id in its greeting and another when asked."""

    def __init__(self, greeted: int, asked: int) -> None:
        self.info = SimpleNamespace(backend_pid=greeted)
        self.asked = 0
        self._answer = asked

    def execute(self, _query: str) -> Any:
        self.asked += 1
        return SimpleNamespace(fetchone=lambda: (self._answer,))


def look(guard: PoolerGuard, greeting: Greeting) -> None:
    guard._look(connection=SimpleNamespace(connection=greeting, close=lambda: None))


def test_a_pooler_is_refused_unless_it_is_said_to_keep_sessions() -> None:
    with pytest.raises(ImproperlyConfigured, match="pooler"):
        look(PoolerGuard(keeps_sessions=False), Greeting(1, 2))
    look(PoolerGuard(keeps_sessions=True), Greeting(1, 2))


def test_a_server_is_asked_once() -> None:
    guard, greeting = PoolerGuard(keeps_sessions=False), Greeting(7, 7)
    look(guard, greeting)
    look(guard, greeting)
    assert greeting.asked == 1
