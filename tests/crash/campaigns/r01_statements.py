"""R1: killed before and after every statement that a worker sends for the reference workflows."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.crash import oracles
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.proxy import Proxy, Rules, Verdict
from tests.crash.together import together
from tests.crash.workload import GOLDEN, Workload, everything, golden, saga
from tests.support.forking import Forked

MOST = 1000  # statements of one workflow: it ends where nobody was killed any more
NUMBERS_AN_ARENA = 12
AT_ONCE = 6
SECONDS = 90.0
VERDICTS: tuple[Verdict, ...] = ("kill_before", "kill_after")


def of_everything(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` statements chosen by chance of the workflows that use everything; 0 is all."""
    url = stage.effects.url
    return _of(stage, [everything(url), saga(url)], quantity, seed, tick)


def of_examples(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The same of the golden examples."""
    return _of(stage, [golden(name) for name in GOLDEN], quantity, seed, tick)


def _of(stage: Stage, workloads: Sequence[Workload], quantity: int, seed: int, tick: Tick) -> Tally:
    tally = Tally()
    for workload in workloads:
        hits, problems = _every(stage, workload, _numbers(quantity, seed), tick)
        tally.problems += problems
        tally.done += hits
        tally.figures[f"kills in {workload.name}"] = str(hits)
    return tally


def _numbers(quantity: int, seed: int) -> list[int]:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    return sorted(chance.sample(range(1, 90), quantity)) if quantity else list(range(1, MOST))


def _every(stage: Stage, workload: Workload, numbers: Sequence[int], tick: Tick) -> tuple[int, list[str]]:
    """A dozen numbers at a time, until the workflow has no more statements. How often somebody was killed, and what was wrong."""
    hits, problems = 0, list[str]()
    for at in range(0, len(numbers), NUMBERS_AN_ARENA):
        some = numbers[at : at + NUMBERS_AN_ARENA]
        with stage.arena() as arena:
            killed = [_Killed(arena, workload, number, verdict) for number in some for verdict in VERDICTS]
            problems += together(killed, AT_ONCE, tick)
            problems += [f"{workload.name} statements {some}: {problem}" for problem in oracles.everywhere(arena)]
        hits += sum(each.hit for each in killed)
        if not any(each.hit for each in killed[-2:]):
            break
    return hits, problems


@dataclass
class _Killed:
    """One worker behind a proxy that kills it at its ``number``-th statement; a healthy one goes on."""

    arena: Arena
    workload: Workload
    number: int
    verdict: Verdict
    hit: bool = False  # whether it came so far
    workers: list[Forked] = field(default_factory=list)

    def start(self) -> None:
        """Fork the victim."""
        self._ends_at = time.monotonic() + SECONDS
        self._queue = f"q{uuid.uuid4().hex[:8]}"
        rules = Rules(counts=lambda name: name.startswith("highway worker") and not name.endswith("liveness"))
        self._proxy = Proxy(self.arena.session.server.port, rules)
        self._run: UUID
        (self._run,) = self.arena.submit(self.workload, queue=self._queue)
        rules.on_statement = lambda which, _: self.verdict if which == self.number else "pass"
        victim = self.arena.worker(dsn=self._proxy.url(self.arena.database.worker), queues=[self._queue])
        rules.kill_client = _killer(victim)
        self.workers.append(victim)

    def is_over(self) -> bool:
        """The victim is dead, or has ended the run; then whether the run has ended."""
        assert time.monotonic() < self._ends_at, f"{self}: not over after {SECONDS:g} s\n{self.arena.log()[-2000:]}"
        is_open = bool(self.arena.open_runs([self._run]))
        if len(self.workers) == 1 and (self.workers[0].gone() or not is_open):
            self.hit = self.workers[0].gone()
            self.workers.append(self.arena.worker(queues=[self._queue]))
        return not is_open

    def judge(self) -> list[str]:
        """What the oracles found wrong with its run."""
        found = oracles.completed_rightly(self.arena, self.workload, [self._run])
        return [f"{self}: {problem}" for problem in found]

    def end(self) -> None:
        """Kill whoever is left."""
        for worker in self.workers:
            worker.kill()
        self._proxy.close()

    def __str__(self) -> str:
        return f"{self.workload.name} statement {self.number} {self.verdict}"


def _killer(victim: Forked) -> Callable[[], None]:
    return lambda: victim.send_signal(signal.SIGKILL)
