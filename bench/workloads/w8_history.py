"""W8: W1 with 10,000, a million and ten million finished runs in the tables: history must not slow the present."""

from __future__ import annotations

from uuid import UUID

from bench.remote import Agent
from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.workloads.bursts import sized_burst
from bench.workloads.history import grow
from launch.terminal import say

TRIES = 3


def run(system: System, sizes: Sizes) -> Result:
    """One database that grows; the same burst at each size, the middle of three."""
    figures: list[Figure] = []
    made = 0
    with running(system) as agent:
        example = UUID(agent.submit("one_step"))
        count, _ = sized_burst(agent, "one_step", sizes)
        for history in sizes.histories:
            with system.ground.administer(str(system.database)) as connection:
                grow(connection, example, made, history)
            made = history
            figures.append(Figure(f"{history:,} finished", per_second=_middle_rate(agent, count)))
            say(f"  {figures[-1].label}: {figures[-1].per_second:,.0f}/s")
    lost = 1 - (figures[-1].per_second or 0) / (figures[0].per_second or 1)
    return Result("W8", system.name, tuple(figures), (f"{count} workflows a burst", f"lost {100 * lost:.1f} %"))


def _middle_rate(agent: Agent, count: int) -> float:
    """Of three, after one that nobody counts: it finds the pages that the growing has pushed out."""
    agent.burst("one_step", count)
    return sorted(count / agent.burst("one_step", count) for _ in range(TRIES))[TRIES // 2]
