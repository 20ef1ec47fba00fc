"""W11: ten steps as a user writes them in our DSL, with templates in every argument and two conditions (which are not counted): steps a second."""

from __future__ import annotations

from bench.client import STEPS
from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.workloads.bursts import sized_burst


def run(system: System, sizes: Sizes) -> Result:
    """A burst on an idle, warm worker; steps are counted."""
    with running(system) as agent:
        count, seconds = sized_burst(agent, "dsl", sizes)
    return Result("W11", system.name, (Figure(per_second=count * STEPS / seconds),), (f"{count} workflows",))
