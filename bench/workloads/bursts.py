"""Bursts: so large that a system is busy for some seconds, whatever its speed."""

from __future__ import annotations

from bench.client import Kind
from bench.remote import Agent
from bench.sizes import Sizes


def sized_burst(agent: Agent, kind: Kind, sizes: Sizes) -> tuple[int, float]:
    """Warm up, see how fast it is, and measure: how many runs, in how many seconds."""
    agent.burst(kind, sizes.warm_up)
    seconds = agent.burst(kind, sizes.warm_up)
    count = sizes.burst(sizes.warm_up / seconds)
    return count, agent.burst(kind, count)
