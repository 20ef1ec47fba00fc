"""W13: a steady 200 runs a second for an hour (DURATION), looked at every minute: nothing may grow that should not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import costs
from bench.remote import Agent
from bench.results import Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, running
from launch.terminal import say

TICKS = 20  # submissions a second, each of a part of the rate
SETTLED_SHARE = 1 / 6  # of an hour: the first ten minutes
LATENCY = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at)::float8) , count(*)
      FROM highway.workflow_run
     WHERE tenant_id = '00000000-0000-0000-0000-000000000001' AND workflow_run_id >= highway.uuid7_from(to_timestamp(%s))
       AND finished_at IS NOT NULL"""
DEAD = "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = 'highway'"


@dataclass(frozen=True, slots=True)
class Look:
    """One minute of the soak."""

    at: float
    ended: int
    p50_ms: float
    p99_ms: float
    dead_rows: int
    store_mb: float
    rss_mb: float

    def __str__(self) -> str:
        times = f"{self.ended} ended, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"
        return f"  {self.at:6.0f} s: {times}, {self.dead_rows} dead rows, {self.store_mb:.0f} MB stored, worker {self.rss_mb:.1f} MB"


def run(system: System, sizes: Sizes) -> Result:
    """The first and the last minute after it has settled, and how things grew between them."""
    looks: list[Look] = []
    with running(system) as agent, system.ground.administer(str(system.database)) as connection:
        agent.burst("one_step", sizes.warm_up)
        began = time.time()
        while time.time() - began < sizes.soak_seconds:
            since = time.time()
            _submit_for(agent, sizes)
            looks.append(_look(system, connection, since, began))
            say(str(looks[-1]))
    settled = looks[min(len(looks) - 1, int(len(looks) * SETTLED_SHARE)) :]
    first, last = settled[0], settled[-1]
    figures = tuple(_figure(label, look, sizes) for label, look in (("first", first), ("last", last)))
    return Result("W13", system.name, figures, (_growth(first, last),))


def _submit_for(agent: Agent, sizes: Sizes) -> None:
    """One window at the rate, whether or not those before have ended."""
    each = max(1, sizes.soak_rate // TICKS)
    began = time.monotonic()
    for tick in range(round(sizes.soak_window_seconds * sizes.soak_rate / each)):
        agent.submit_batch("one_step", each)
        time.sleep(max(0.0, began + (tick + 1) * each / sizes.soak_rate - time.monotonic()))


def _look(system: System, connection: psycopg.Connection[Any], since: float, began: float) -> Look:
    quantiles, ended = connection.execute(LATENCY, [since]).fetchone() or ([0, 0], 0)
    dead = (connection.execute(DEAD).fetchone() or (0,))[0]
    p50, p99 = quantiles or (0.0, 0.0)
    memory = costs.rss_mb(system.worker_pids())
    return Look(time.time() - began, ended, 1000 * p50, 1000 * p99, dead, system.store_bytes() / 1e6, memory)


def _figure(label: str, look: Look, sizes: Sizes) -> Figure:
    return Figure(label, per_second=look.ended / sizes.soak_window_seconds, p50_ms=look.p50_ms, p99_ms=look.p99_ms)


def _growth(first: Look, last: Look) -> str:
    hours = max(last.at - first.at, 1.0) / 3600
    memory, room = (last.rss_mb - first.rss_mb) / hours, (last.store_mb - first.store_mb) / hours
    return f"worker {memory:+.1f} MB an hour, store {room:+.0f} MB an hour, dead rows {first.dead_rows} then {last.dead_rows}"
