"""W8: W1 with 10,000, a million and ten million finished runs in the tables: history must not slow the present."""

from __future__ import annotations

import shutil
from uuid import UUID

from bench.remote import Agent
from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.workloads.bursts import sized_burst
from bench.workloads.history import grow
from launch.terminal import say

TRIES = 3
BURST_MOST = 10_000  # what the bursts leave behind shall not be more than the least history
SPARE = 1.5  # room on the disk for the write-ahead log and for sorting


def run(system: System, sizes: Sizes) -> Result:
    """One database that grows; the same burst at each size, the middle of three."""
    figures: list[Figure] = []
    notes: list[str] = []
    made, each = 0, 0.0
    with running(system) as agent:
        example = UUID(agent.submit("one_step"))
        count = min(BURST_MOST, sized_burst(agent, "one_step", sizes)[0])
        for history in sizes.histories:
            free = shutil.disk_usage(system.ground.folder).free
            if (history - made) * each * SPARE > free:
                notes.append(
                    f"{history:,} left out: they need {(history - made) * each / 1e9:.0f} GB and {SPARE} times that must be free"
                )
                continue
            before = system.store_bytes()
            with system.ground.administer(str(system.database)) as connection:
                grow(connection, example, made, history)
            each = (system.store_bytes() - before) / (history - made)
            made = history
            figures.append(Figure(f"{history:,} finished", per_second=_middle_rate(agent, count)))
            say(f"  {figures[-1].label}: {figures[-1].per_second:,.0f}/s, {each:,.0f} bytes each")
    return Result("W8", system.name, tuple(figures), (f"{count} workflows a burst", _loss(figures), *notes))


def _middle_rate(agent: Agent, count: int) -> float:
    """Of three, after one that nobody counts: it finds the pages that the growing has pushed out."""
    agent.burst("one_step", count)
    return sorted(count / agent.burst("one_step", count) for _ in range(TRIES))[TRIES // 2]


def _loss(figures: list[Figure]) -> str:
    """How much slower the longest history is than the shortest."""
    first, last = figures[0].per_second or 1.0, figures[-1].per_second or 0.0
    return f"{100 * (1 - last / first):.1f} % lost from {figures[0].label} to {figures[-1].label}"
