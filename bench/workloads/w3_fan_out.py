"""W3: a parent starts 100 workflows of one step and ends when all have: seconds from its submission to its end."""

from __future__ import annotations

from bench.results import Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, running


def run(system: System, sizes: Sizes) -> Result:
    """One parent after another on a warm worker."""
    with running(system) as agent:
        agent.one_by_one("fan_out", 1)
        done = agent.one_by_one("fan_out", sizes.fan_outs)["done"]
    return Result("W3", system.name, (latency(done),))
