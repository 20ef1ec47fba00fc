"""The measuring loops give up where a system is stuck, and count what has ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from bench.client import Ends, Kind, Stage
from bench.loops import Loops, StuckError
from bench.systems.highway.definitions import DEFINITIONS
from engine import facade


@dataclass
class Told:
    """A client that says what it is told to."""

    stages: list[Stage] = field(default_factory=list)
    ended: int = 0

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:
        return kind

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:
        pass

    def emit(self, run: str) -> None:
        pass

    def stage(self, run: str) -> Stage:
        return self.stages.pop(0)

    def all_done(self) -> bool:
        return True

    def ends(self, since: float) -> Ends:
        return Ends(self.ended, since, since + 2)

    def begun_at(self, run: str) -> float | None:
        return None

    def resumed_at(self, run: str) -> float:
        return time.time()

    def close(self) -> None:
        pass


def test_a_run_that_failed_is_no_measurement() -> None:
    with pytest.raises(StuckError, match="has failed"):
        Loops(Told(["open", "failed"])).one_by_one("one_step", 1)


def test_runs_that_are_missing_are_no_measurement() -> None:
    with pytest.raises(StuckError, match="9 runs of 10"):
        Loops(Told(ended=9)).burst("one_step", 10)


def test_a_burst_lasts_to_the_end_that_the_tables_tell() -> None:
    assert Loops(Told(ended=10)).burst("one_step", 10) == pytest.approx(2)


def test_a_wake_up_begins_when_the_run_waits() -> None:
    client = Told(["open", "waiting", "open", "done"])
    found = Loops(client).wake_ups(1)
    assert 0 < found["begun"][0] < 1
    assert 0 < found["done"][0] <= found["begun"][0], "what this client says of the beginning it says at the end"
    assert not client.stages


def test_the_workflows_of_the_bench_are_sound() -> None:
    problems = {kind: facade.check_definition(definition) for kind, definition in DEFINITIONS.items()}
    assert not any(problems.values()), problems
