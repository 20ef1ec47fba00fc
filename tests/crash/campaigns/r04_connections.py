"""R4: commits whose answer is lost, and backends that are killed, under load."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.proxy import Proxy, Rules, Verdict
from tests.crash.workload import everything, saga, small, tiny
from tests.support.forking import Forked

WORKERS = 4
LOSSES_OF_A_WORKER = (
    3  # then a fresh one takes its place: a worker that loses its database often waits longer each time
)
OPEN_RUNS = 40
HURTS_A_LOAD = 5


@dataclass
class _Load(Tally):
    """A tally and the runs that were accepted, by workload."""

    runs: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))


class _Seat:
    """One worker, its proxy, and its successor when it has lost too much."""

    def __init__(self, arena: Arena, chance: random.Random, share: float) -> None:
        self.arena = arena
        self._chance, self._share = chance, share
        self.lost = 0
        self._open()

    def _open(self) -> None:
        rules = Rules(on_commit=self._verdict, counts=lambda name: name.startswith("highway worker"))
        self.proxy = Proxy(self.arena.session.server.port, rules)
        self.worker: Forked = self.arena.worker(dsn=self.proxy.url(self.arena.database.worker))

    def _verdict(self) -> Verdict:
        return "cut_after" if self._chance.random() < self._share else "pass"

    def look(self) -> int:
        """Replace a worker that lost too much; how many answers were lost here so far."""
        if self.proxy.cut >= LOSSES_OF_A_WORKER or self.worker.gone():
            self.lost += self.proxy.cut
            self.worker.kill()
            self.proxy.close()
            self._open()
        return self.lost + self.proxy.cut

    def close(self) -> None:
        """End both."""
        self.worker.kill()
        self.proxy.close()


def lost_answers(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` commits happened and nobody was told."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    with stage.arena() as arena:
        seats = [_Seat(arena, chance, 0.15) for _ in range(WORKERS)]

        def hurt() -> int:
            return sum(seat.look() for seat in seats)

        tally = _under_load(arena, quantity, hurt, tick)
        done = hurt()
        for seat in seats:
            seat.close()
        _judge(arena, tally)
    tally.figures = {"lost answers to COMMIT": str(done), **tally.figures}
    return tally


def killed_backends(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` backends of workers were terminated by their server."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    with stage.arena() as arena:
        workers = {arena.worker(): 0 for _ in range(WORKERS)}
        killed = 0

        def hurt() -> int:
            nonlocal killed
            time.sleep(chance.uniform(0.01, 0.1))
            rows = arena.query(
                "SELECT pg_terminate_backend(pid), application_name FROM pg_stat_activity WHERE usename = 'app_worker' "
                "AND datname = current_database() ORDER BY random() LIMIT 1"
            )
            killed += len(rows)
            for worker in list(workers):
                workers[worker] += any(
                    worker.name == name.split()[2] for _, name in rows if name.startswith("highway worker")
                )
                if workers[worker] >= LOSSES_OF_A_WORKER:
                    worker.kill()
                    del workers[worker]
                    workers[arena.worker()] = 0
            return killed

        tally = _under_load(arena, quantity, hurt, tick)
        for worker in workers:
            worker.kill()
        _judge(arena, tally)
    tally.figures = {"backends killed": str(killed), **tally.figures}
    return tally


def _under_load(arena: Arena, quantity: int, hurt: Callable[[], int], tick: Tick) -> _Load:
    """Keep runs open and hurt until it was done so often; submit none after that."""
    tally = _Load()
    url = arena.effects.url
    workloads = (tiny(), tiny(), small(), everything(url), saga(url))
    before, end = 0, time.monotonic() + 60 + quantity * 3
    while before < quantity:
        if time.monotonic() > end:
            tally.problems.append(f"only {before} of {quantity} were done in time")
            break
        if arena.open_runs() < OPEN_RUNS // 2:
            for workload in workloads:
                tally.runs[workload.name] += arena.submit(workload, OPEN_RUNS // 8)
        for _ in range(HURTS_A_LOAD):
            now = hurt()
            tick(now - before)
            before = now
            time.sleep(0.05)
    tally.done = before
    return tally


def _judge(arena: Arena, tally: _Load) -> None:
    healthy = [arena.worker() for _ in range(2)]
    try:
        arena.until(lambda: arena.open_runs() == 0, 120, "the end of all runs")
    except AssertionError as error:
        tally.problems.append(str(error))
    url = arena.effects.url
    for workload in (tiny(), small(), everything(url), saga(url)):
        tally.problems += oracles.completed_rightly(arena, workload, tally.runs[workload.name])
    tally.problems += oracles.everywhere(arena)
    tally.figures["workflows"] = str(sum(map(len, tally.runs.values())))
    for worker in healthy:
        worker.kill()
