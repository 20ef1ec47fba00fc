"""W2: workflows of ten steps, one after another in each, many workflows at a time: steps a second by one worker process."""

from __future__ import annotations

from bench.client import STEPS
from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.workloads.bursts import sized_burst


def run(system: System, sizes: Sizes) -> Result:
    """A burst on an idle, warm worker; steps are counted."""
    with running(system) as agent:
        count, seconds = sized_burst(agent, "ten_steps", sizes)
    return Result("W2", system.name, (Figure(per_second=count * STEPS / seconds),), (f"{count} workflows",))
