"""W6: a backlog of one-step workflows is drained by one worker process, then (a new one) by two; with what each workflow cost.

The rate is that of the last four fifths, so that nobody pays for the start of a process here. Commits, room and dead rows are those of the whole drain,
CPU that of the part that the rate is of.
"""

from __future__ import annotations

import time
from dataclasses import replace

from bench import costs
from bench.remote import Agent
from bench.results import Costs, Figure, Result
from bench.sizes import Sizes
from bench.systems.base import System, put_up

EARLY_SHARE = 0.2


def run(system: System, sizes: Sizes) -> Result:
    """Each number of processes has a backlog of its own on a fresh system."""
    figures = tuple(_drain(system, sizes, processes) for processes in sizes.processes)
    return Result("W6", system.name, figures, (f"{sizes.backlog} workflows",))


def _drain(system: System, sizes: Sizes, processes: int) -> Figure:
    with put_up(system):
        empty, committed = system.store_bytes(), 0
        if system.needs_worker_to_submit:
            system.start(processes)
            with system.agent() as agent:
                per_second, spent = _release(system, agent, sizes.backlog)
        else:
            began = time.time()
            with system.agent() as agent:
                agent.submit_batch("one_step", sizes.backlog)
            committed = _commits(system)
            system.start(processes)
            with system.agent() as agent:
                per_second, spent = _watch(system, agent, sizes.backlog, began)
        system.stop()
        label = f"{processes} process{'es' * (processes > 1)}"
        return Figure(label, per_second, costs=_with_store(system, spent, sizes.backlog, empty, committed))


def _release(system: System, agent: Agent, backlog: int) -> tuple[float, Costs]:
    """Where a worker is there from the beginning: all are held until a time. Rate and CPU are of the whole drain from then on, for they may all run
    side by side and end together."""
    hold_seconds = backlog / 1000 + 2
    began = time.time()
    agent.submit_batch("one_step", backlog, hold_seconds=hold_seconds)
    released = max(began + hold_seconds, time.time())
    time.sleep(max(0.0, released - time.time()))
    before = costs.cpu(system.worker_pids(), system.server_pid())
    ends = agent.wait_for_all(began, backlog)
    return backlog / max(ends.last - released, 1e-6), _spent(system, before, backlog)


def _watch(system: System, agent: Agent, backlog: int, began: float) -> tuple[float, Costs]:
    """The rate of the last four fifths, and what the processes spent in that time."""
    done = agent.wait_for_some(began, int(backlog * EARLY_SHARE))
    before = costs.cpu(system.worker_pids(), system.server_pid())
    ends = agent.wait_for_all(began, backlog)
    rate = backlog * (1 - EARLY_SHARE) / max(ends.last - ends.early, 1e-6)
    return rate, _spent(system, before, backlog - done)


def _spent(system: System, before: costs.Cpu, count: int) -> Costs:
    """CPU since then for each of so many workflows, and memory now."""
    cpu = costs.cpu(system.worker_pids(), system.server_pid()) - before
    each = 1000 / max(1, count)
    memory = costs.rss_mb(system.worker_pids())
    return Costs(worker_cpu_ms=cpu.workers * each, server_cpu_ms=cpu.server * each, worker_rss_mb=memory)


def _with_store(system: System, spent: Costs, backlog: int, empty: int, committed: int) -> Costs:
    """What the whole drain left behind in the store. All sessions have ended, so that they have told what they counted."""
    room = (system.store_bytes() - empty) / backlog
    if system.database is None:
        return replace(spent, bytes=room)
    commits = (_commits(system) - committed) / backlog
    dead = costs.dead_tuples(system.ground, system.database) / backlog
    return replace(spent, bytes=room, commits=commits, dead_tuples=dead)


def _commits(system: System) -> int:
    """So far, by the sessions that have ended: others tell what they counted up to ten seconds later."""
    return 0 if system.database is None else costs.commits(system.ground, system.database)
