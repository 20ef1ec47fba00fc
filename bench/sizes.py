"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """The full bench; `SMOKE` is the same in a few seconds."""

    rounds: int = 3
    warm_up: int = 200
    burst_seconds: float = 5.0  # bursts are made so large that they last about this long
    burst_least: int = 300
    burst_most: int = 40_000
    latencies: int = 200
    wake_ups: int = 100
    fan_outs: int = 10
    backlog: int = 20_000
    processes: tuple[int, ...] = (1, 2)
    singles: int = 1_000
    batch: int = 10_000
    histories: tuple[int, ...] = (10_000, 1_000_000, 10_000_000)
    foreign_backlog: int = 100_000
    tenants: int = 10_000
    timers: int = 1_000
    api_requests: int = 2_000
    api_runs: int = 1_000_000
    soak_seconds: float = 3_600.0
    soak_rate: int = 200
    soak_window_seconds: float = 60.0

    def burst(self, per_second: float) -> int:
        """How many runs keep a system of this speed busy for about `burst_seconds`."""
        return int(min(self.burst_most, max(self.burst_least, per_second * self.burst_seconds)))


SMOKE = Sizes(
    rounds=1,
    warm_up=5,
    burst_seconds=0.2,
    burst_least=20,
    burst_most=200,
    latencies=5,
    wake_ups=3,
    fan_outs=1,
    backlog=100,
    processes=(1,),
    singles=20,
    batch=100,
    histories=(100, 1_000),
    foreign_backlog=200,
    tenants=20,
    timers=10,
    api_requests=20,
    api_runs=200,
    soak_seconds=2.0,
    soak_rate=20,
    soak_window_seconds=1.0,
)
