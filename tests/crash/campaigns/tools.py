"""Every tool that reaches outside, in one run, while its workers are killed or stopped: around their calls, at other places, and at any moment."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.kit.fault_points import FaultPoint
from tests.crash import oracles
from tests.crash.arena import LEASE_SECONDS, Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.faults import Fault
from tests.crash.outside import Outside, outside
from tests.crash.plans import Plan
from tests.crash.rounds import Round
from tests.crash.together import together
from tests.crash.tool_workload import ASKED, COUNTERS, GAVE, MODULE, SOURCE, TASKS, TICK, TICKS, all_tools
from tests.crash.workload import Workload
from tests.support.forking import Forked

AT_ONCE = 4
RUNS_AN_ARENA = 12
AROUND_CALLS = (FaultPoint.CALL_BEFORE, FaultPoint.CALL_ANSWERED)
ELSEWHERE = (
    FaultPoint.STEP_BEFORE_BODY,
    FaultPoint.STEP_AFTER_RESULT,
    FaultPoint.STEP_BEFORE_CHECKPOINT,
    FaultPoint.STEP_BEFORE_COMMIT,
    FaultPoint.STEP_AFTER_COMMIT,
    FaultPoint.FORK_CHILD,
    FaultPoint.FORK_AFTER_COMMIT,
    FaultPoint.JOIN_ARRIVAL,
    FaultPoint.JOIN_LAST,
    FaultPoint.TIMER_INSERT,
    FaultPoint.TIMER_FIRE,
    FaultPoint.WAIT_AFTER_COMMIT,
    FaultPoint.ACTIVITY_CLAIMED,
    FaultPoint.ACTIVITY_FINISH,
)
FAULTS = (5, 3)  # of a round: around calls, elsewhere
ANYWHEN = (signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP)  # of a round, each at any moment of its first seconds
WITHIN_SECONDS = 3.0
FROZEN_SECONDS = LEASE_SECONDS + 1.0


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """So many runs."""
    tally, hurt = Tally(), 0
    plans = iter([plan(seed + number) for number in range(quantity)])
    with outside(stage.folder / f"outside-{seed}") as world:
        while some := list(islice(plans, RUNS_AN_ARENA)):
            with _arena(stage, world) as arena:
                tally.problems += together([ToolsRound(arena, each, world=world) for each in some], AT_ONCE, tick)
                tally.problems += [
                    f"tools, {each}: with others beside it: {problem}"
                    for problem in oracles.everywhere(arena)
                    for each in some
                ]
                hurt += len(arena.fired())
            tally.done += len(some)
        again = world.repeated()
    tally.figures = {"runs": str(tally.done), "workers hurt": str(hurt), "calls made again": str(again)}
    return tally


def plan(seed: int) -> Plan:
    """Faults around calls, and some elsewhere; a stop now and then."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    points = [chance.choice(AROUND_CALLS) for _ in range(FAULTS[0])] + chance.sample(ELSEWHERE, FAULTS[1])
    return Plan(
        seed,
        tuple(Fault(each, chance.choice(("kill", "kill", "kill", "stop")), chance.randint(1, 6)) for each in points),
    )


@contextmanager
def _arena(stage: Stage, world: Outside) -> Iterator[Arena]:
    """One whose workers know the world, with what the runs call of stored code and children."""
    with stage.arena() as arena:
        with psycopg.connect(arena.database.superuser, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.outside (run text PRIMARY KEY)")
        with connect(arena.database.web) as own:
            facade.store_module(own, tenant_id=arena.tenant, name=MODULE, content=SOURCE.encode())
            facade.register(own, tenant_id=arena.tenant, definition=TICK)
        tables = {"tables": str(arena.folder / "tables")}
        arena.settings = {"services": world.services(arena.database.superuser), **tables}
        yield arena


@dataclass
class ToolsRound(Round):
    """A run being played; ``world`` is what its tools speak to."""

    world: Outside = None  # type: ignore[assignment] - it follows fields with defaults

    def start(self) -> None:
        """Fork everybody, and decide when somebody is killed or stopped, wherever it is then."""
        chance, now = random.Random(self.plan.seed), time.monotonic()  # noqa: S311 - repeatable
        self._moments = sorted((now + chance.uniform(0.2, WITHIN_SECONDS), what) for what in ANYWHEN)
        self._to_wake: dict[Forked, float] = {}
        super().start()

    def is_over(self) -> bool:
        """Look once, and do what is to be done now."""
        now = time.monotonic()
        while self._moments and now > self._moments[0][0]:
            self._hurt_somebody(self._moments.pop(0)[1])
        for worker, at in list(self._to_wake.items()):
            if now > at:
                del self._to_wake[worker]
                worker.send_signal(signal.SIGCONT)
        return super().is_over()

    def _hurt_somebody(self, what: signal.Signals) -> None:
        alive = [worker for worker in self.victims + self.healthy if not worker.gone()]
        for worker in alive[:1]:
            worker.send_signal(what)
            if what is signal.SIGSTOP:
                self._to_wake[worker] = time.monotonic() + FROZEN_SECONDS

    def judge(self) -> list[str]:
        """What the oracles found wrong with its run, and what the world saw of it."""
        run = self._runs()[f"{self.queue}-tools"]
        workload = self.expected[f"{self.queue}-tools"]
        query = "SELECT status, error::text FROM highway.workflow_run WHERE workflow_run_id = %s"
        [(status, error)] = self.arena.query(query, run)
        found = [] if status == "completed" else [f"I3 run {run} is {status}: {str(error)[:300]}"]
        if not found:
            found += oracles.i01_each_counter_reads_one(self.arena, workload, [run])
            found += self._wrong_tasks(str(run)) + self._wrong_results(str(run)) + self._wrong_effects(str(run))
        return [f"tools, {self.plan}: {problem}" for problem in found]

    def _client_steps(self) -> list[dict[str, Any]]:
        key = f"{self.queue}-tools"
        workload = Workload("tools", all_tools(self.world.mcp_url), COUNTERS)
        self.expected = {key: workload}
        definition = str(self.arena.register(workload))
        return [{"do": "submit", "key": key, "definition": definition, "queue": self.queue}]

    def _client_is_done(self) -> bool:
        return f"{self.queue}-tools" in self._runs()

    def _wrong_tasks(self, run: str) -> list[str]:
        query = "SELECT array_agg(key ORDER BY key) FROM highway.task WHERE workflow_run_id = %s"
        [(tasks,)] = self.arena.query(query, run)
        [(children,)] = self.arena.query("SELECT count(*) FROM highway.workflow_run WHERE parent_run_id = %s", run)
        found = [] if tasks == TASKS else [f"I4 {run} has tasks {tasks}"]
        return found + ([] if children == TICKS else [f"I4 {run} has {children} children"])

    def _wrong_results(self, run: str) -> list[str]:
        with connect(self.arena.database.web) as connection:
            result = facade.run_result(
                connection, tenant_id=self.arena.tenant, workflow_run_id=self._runs()[f"{self.queue}-tools"]
            )
        return [
            f"I1 {run}: {path} is {_at(result, path)!r}" for path, value in GAVE.items() if _at(result, path) != value
        ]

    def _wrong_effects(self, run: str) -> list[str]:
        """I2: each call was made at least once, and under one key over all attempts."""
        asked = self.world.models.keys(run)
        found = [f"I2 {run}: one question under {keys}" for keys in asked.values() if len(keys) != 1 or "" in keys]
        distinct = {key for keys in asked.values() for key in keys}
        found += [] if len(asked) == len(distinct) == ASKED else [f"I2 {run}: {len(asked)} questions under {distinct}"]
        found += [] if len(mails := self.world.mails(run)) == 1 else [f"I2 {run}: mails {mails}"]
        found += [] if (keys := self.world.mcp_keys(run)) == {f"{run}:/note"} else [f"I2 {run}: MCP calls under {keys}"]
        rows = self.arena.query("SELECT count(*) FROM public.outside WHERE run = %s", run)
        found += [] if rows == [(1,)] else [f"I2 {run}: {rows} rows"]
        return found + self._wrong_batch(run)

    def _wrong_batch(self, run: str) -> list[str]:
        import datashard

        place = self.arena.folder / "tables" / self.arena.tenant.hex / "kept"
        rows = [row for row in datashard.load_table(str(place)).scan(columns=["run"]) if row["run"] == run]
        return [] if len(rows) == 1 else [f"I2 {run}: its batch was kept {len(rows)} times"]


def _at(value: Any, path: str) -> Any:
    """What lies there; a name may have dots in it where nothing lies under its first part."""
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, list):
        return _at(value[int(first)], rest) if int(first) < len(value) else None
    return _at(value[first], rest) if isinstance(value, dict) and first in value else None
