"""W7: submissions a second while nobody works: one at a time, each durable before the next, and many by the fastest way there is."""

from __future__ import annotations

from dataclasses import replace

from bench.results import Figure, Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, put_up

HOLD_SECONDS = 3_600.0  # where submitting needs a worker, nothing may run meanwhile


def run(system: System, sizes: Sizes) -> Result:
    """One client, one connection."""
    with put_up(system):
        if system.needs_worker_to_submit:
            system.start()
        with system.agent() as agent:
            agent.singles("one_step", sizes.singles // 10 + 1, HOLD_SECONDS)
            singles = agent.singles("one_step", sizes.singles, HOLD_SECONDS)
            seconds = agent.batch("one_step", sizes.batch, HOLD_SECONDS)
    single = replace(latency(singles, "single"), per_second=len(singles) / sum(singles))
    return Result("W7", system.name, (single, Figure("batch", per_second=sizes.batch / seconds)))
