"""W4: an idle system, one workflow of one step at a time: from the submission until a worker has it, and until it is done."""

from __future__ import annotations

from bench.results import Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, running


def run(system: System, sizes: Sizes) -> Result:
    """The end is seen by looking at the system's own tables every half millisecond; the start is the time that it noted itself."""
    with running(system) as agent:
        agent.one_by_one("one_step", sizes.latencies // 10 + 1)
        found = agent.one_by_one("one_step", sizes.latencies)
    figures = [latency(found["done"], "to done")]
    if found["begun"]:
        figures.append(latency(found["begun"], "to start"))
    return Result("W4", system.name, tuple(figures))
