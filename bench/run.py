"""Everybody in turn: for each workload and round every system once, on the same ground."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.ground import Ground
from bench.names import FLOOR
from bench.remote import AgentError
from bench.results import Result, median
from bench.sizes import Sizes
from bench.systems.base import NotHereError, System
from bench.systems.floor.floor import Floor
from bench.systems.registry import registry as systems
from bench.workloads import registry as workloads
from launch.terminal import complain, say

Subject = System | Floor


@dataclass(slots=True)
class Measured:
    """What one start of the bench found."""

    results: list[Result] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)  # system -> why it was not measured
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False
    load: float = 0.0  # of the machine, before anything was measured


def measure(ground: Ground, names: Sequence[str], chosen: Sequence[str], sizes: Sizes) -> Measured:
    """Medians of ``sizes.rounds`` rounds. What cannot be measured is told with its reason."""
    found = Measured(load=os.getloadavg()[0])
    if found.load > (os.cpu_count() or 1) / 2:
        complain(f"the machine is busy (load {found.load:.1f}): figures will be rough")
    present = list(_install(ground, names, found))
    try:
        for workload in chosen:
            _rounds(workload, [system for system in present if workload in system.workloads], sizes, found)
    except KeyboardInterrupt:
        found.interrupted = True
        complain("interrupted: the rest is not measured")
    finally:
        for system in present:
            system.close()
    return found


def _rounds(workload: str, systems_of_it: Sequence[Subject], sizes: Sizes, found: Measured) -> None:
    """In turn, so that what happens to the machine meanwhile happens to all."""
    rounds: dict[str, list[Result]] = {system.name: [] for system in systems_of_it}
    for number in range(1, sizes.rounds + 1):
        for system in systems_of_it:
            began = time.monotonic()
            try:
                result = _once(workload, system, sizes)
            except (AgentError, NotHereError) as error:
                found.failed.append(f"{workload} on {system.name}, round {number}: {error}")
                complain(found.failed[-1])
                continue
            rounds[system.name].append(result)
            say(f"{workload} {system.name}, round {number}: {_short(result)} ({time.monotonic() - began:.0f} s)")
    found.results += [median(results) for results in rounds.values() if results]


def _install(ground: Ground, names: Sequence[str], found: Measured) -> Iterator[Subject]:
    for name in names:
        system = Floor(ground) if name == FLOOR else systems[name](ground)
        try:
            found.versions[name] = system.install()
        except NotHereError as reason:
            found.absent[name] = str(reason)
            complain(f"{name} is not measured: {reason}")
            continue
        yield system


def _once(workload: str, system: Subject, sizes: Sizes) -> Result:
    return system.measure(workload, sizes) if isinstance(system, Floor) else workloads[workload](system, sizes)


def _short(result: Result) -> str:
    """One line while it runs."""
    parts = [
        f"{figure.label} {figure.per_second:,.0f}/s"
        if figure.per_second
        else f"{figure.label} p50 {figure.p50_ms:.2f} p99 {figure.p99_ms:.2f} ms"
        for figure in result.figures
    ]
    return " · ".join((*(part.strip() for part in parts), *result.notes))
