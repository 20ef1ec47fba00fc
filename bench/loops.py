"""The measuring loops: the same code for every system, run beside its client."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.client import Client, Ends, Kind, Stage

LOOK_SECONDS = 0.0005  # between two looks at a run whose end is waited for
COARSE_SECONDS = 0.05  # between two looks at whether all are done: the times of their ends are read from the tables
RUN_PATIENCE_SECONDS = 60.0  # for one run
PATIENCE_SECONDS = 1_200.0  # for many


class StuckError(Exception):
    """What was waited for did not come."""


@dataclass(slots=True)
class Loops:
    """Times are seconds of this machine's clock, which PostgreSQL shares."""

    client: Client

    def submit(self, kind: Kind) -> str:
        """One run; its id."""
        return self.client.submit(kind)

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:
        """Many runs."""
        self.client.submit_batch(kind, count, hold_seconds)

    def burst(self, kind: Kind, count: int) -> float:
        """Submit many and wait for the last: seconds from the first submission to the last end."""
        began = time.time()
        self.client.submit_batch(kind, count)
        return self.wait_for_all(began, count).last - began

    def wait_for_all(self, since: float, count: int) -> Ends:
        """Wait until nothing is open; ``count`` runs must have ended."""
        self._wait(self.client.all_done, COARSE_SECONDS, PATIENCE_SECONDS)
        ends = self.client.ends(since)
        if ends.count != count:
            raise StuckError(f"{ends.count} runs of {count} have ended, and none is open")
        return ends

    def wait_for_some(self, since: float, count: int) -> int:
        """Wait until so many have ended; how many had."""
        self._wait(lambda: self.client.ends(since).count >= count, COARSE_SECONDS, PATIENCE_SECONDS)
        return self.client.ends(since).count

    def one_by_one(self, kind: Kind, count: int) -> dict[str, list[float]]:
        """One run after another on an idle system: seconds from the submission to ``begun`` and to ``done``."""
        begun: list[float] = []
        done: list[float] = []
        for _ in range(count):
            asked = time.time()
            run = self.client.submit(kind)
            self._wait_for(run, "done")
            done.append(time.time() - asked)
            if (at := self.client.begun_at(run)) is not None:
                begun.append(at - asked)
        return {"begun": begun, "done": done}

    def wake_ups(self, count: int) -> dict[str, list[float]]:
        """Seconds from the emit of an event until the step behind the wait was ``begun``, and until the run was ``done``."""
        begun: list[float] = []
        done: list[float] = []
        for _ in range(count):
            run = self.client.submit("wake_up")
            self._wait_for(run, "waiting")
            asked = time.time()
            self.client.emit(run)
            self._wait_for(run, "done")
            done.append(time.time() - asked)
            begun.append(self.client.resumed_at(run) - asked)
        return {"begun": begun, "done": done}

    def singles(self, kind: Kind, count: int, hold_seconds: float) -> list[float]:
        """Seconds that each of so many submissions took, one after another."""
        found: list[float] = []
        for _ in range(count):
            asked = time.perf_counter()
            self.client.submit(kind, hold_seconds)
            found.append(time.perf_counter() - asked)
        return found

    def batch(self, kind: Kind, count: int, hold_seconds: float) -> float:
        """Seconds that the submission of many took."""
        asked = time.perf_counter()
        self.client.submit_batch(kind, count, hold_seconds)
        return time.perf_counter() - asked

    def _wait_for(self, run: str, stage: Stage) -> None:
        self._wait(lambda: self._is_at(run, stage), LOOK_SECONDS, RUN_PATIENCE_SECONDS)

    def _is_at(self, run: str, stage: Stage) -> bool:
        found = self.client.stage(run)
        if found == "failed":
            raise StuckError(f"run {run} has failed")
        return found == stage

    @staticmethod
    def _wait(until: Callable[[], bool], pause_seconds: float, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while not until():
            if time.monotonic() > deadline:
                raise StuckError(f"it did not come in {patience_seconds:.0f} s")
            time.sleep(pause_seconds)
