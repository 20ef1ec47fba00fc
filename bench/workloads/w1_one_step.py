"""W1: workflows of one step, start to finish, by one worker process: from the first submission to the last end."""

from __future__ import annotations

from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from bench.workloads.bursts import sized_burst


def run(system: System, sizes: Sizes) -> Result:
    """A burst on an idle, warm worker; the submission is part of it."""
    with running(system) as agent:
        count, seconds = sized_burst(agent, "one_step", sizes)
    return Result("W1", system.name, (Figure(per_second=count / seconds),), (f"{count} workflows",))
