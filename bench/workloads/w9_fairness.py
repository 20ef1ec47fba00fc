"""W9: how long a small tenant's run waits for a worker while another tenant has 100,000 queued, against an idle system."""

from __future__ import annotations

import time
from uuid import UUID

from bench.results import Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.systems.highway.backlog import pending, queue_many

OTHER = UUID(int=2)


def run(system: System, sizes: Sizes) -> Result:
    """The small tenant submits one at a time, before and beside the flood."""
    with running(system) as agent, system.ground.administer(str(system.database)) as connection:
        agent.one_by_one("one_step", sizes.latencies // 10 + 1)
        idle = agent.one_by_one("one_step", sizes.latencies)
        queue_many(connection, "one_step", [OTHER], sizes.foreign_backlog)
        before, began = pending(connection, OTHER), time.monotonic()
        beside = agent.one_by_one("one_step", sizes.latencies)
        left = pending(connection, OTHER)
        others = (before - left) / (time.monotonic() - began)
    figures = (
        latency(idle["begun"], "idle, to start"),
        latency(beside["begun"], "beside the flood, to start"),
        latency(idle["done"], "idle, to done"),
        latency(beside["done"], "beside the flood, to done"),
    )
    times = (figures[1].p99_ms or 0) / (figures[0].p99_ms or 1)
    notes = (
        f"p99 {times:.1f} times idle",
        f"{left} of the flood still queued at the end",
        f"{others:.0f} of it a second",
    )
    return Result("W9", system.name, figures, notes)
