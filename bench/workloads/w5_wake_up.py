"""W5: a workflow waits for an event; it is sent; until it goes on with the step behind the wait, and until that is durable and the workflow has ended."""

from __future__ import annotations

from bench.results import Result, latency
from bench.sizes import Sizes
from bench.systems.base import System, running


def run(system: System, sizes: Sizes) -> Result:
    """One after another: each is let fall asleep first."""
    with running(system) as agent:
        agent.wake_ups(sizes.wake_ups // 10 + 1)
        found = agent.wake_ups(sizes.wake_ups)
    return Result("W5", system.name, (latency(found["begun"], "to go on"), latency(found["done"], "to done")))
