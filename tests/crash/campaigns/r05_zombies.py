"""R5: workers that are stopped past their lease and go on afterwards, believing in claims that are somebody else's by then."""

from __future__ import annotations

import random
import signal
import time
import uuid
from uuid import UUID

from engine.kit.fault_points import FaultPoint
from tests.crash import oracles
from tests.crash.arena import LEASE_SECONDS, Arena
from tests.crash.campaigns.base import GENEROUS_SECONDS, Stage, Tally, Tick, percentile
from tests.crash.faults import Fault
from tests.crash.workload import Workload, everything, saga
from tests.support.forking import Forked

BATCH = 12
SLICE = 6
# Where a worker holds a claim and means to write: the places where being late could matter.
PLACES = (
    FaultPoint.CLAIM_AFTER_COMMIT,
    FaultPoint.STEP_BEFORE_BODY,
    FaultPoint.STEP_IN_BODY,
    FaultPoint.STEP_AFTER_RESULT,
    FaultPoint.STEP_BEFORE_CHECKPOINT,
    FaultPoint.STEP_BEFORE_COMMIT,
    FaultPoint.WAIT_ASKED,
    FaultPoint.FORK_CHILD,
    FaultPoint.JOIN_ARRIVAL,
    FaultPoint.TIMER_FIRE,
    FaultPoint.CALL_ANSWERED,
    FaultPoint.EMIT_BEFORE,
    FaultPoint.EVENT_HEARD,
    FaultPoint.ACTIVITY_CLAIMED,
    FaultPoint.ACTIVITY_FINISH,
)
WHILE_UNDOING = (FaultPoint.UNDO_DECIDED, FaultPoint.UNDO_CALL, FaultPoint.UNDO_RECORD, FaultPoint.UNDO_END)


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` zombies, a dozen at a time."""
    tally, late = Tally(), []
    number = 0
    while tally.done < quantity and number < 4 * quantity:
        with stage.arena() as arena:
            zombies, seconds, problems = _batch(arena, min(BATCH, quantity), seed + number)
        number += BATCH
        tally.done += zombies
        tally.problems += [f"seed {seed + number}: {problem}" for problem in problems]
        late += seconds
        tick(zombies)
    p99 = percentile(late, 0.99)
    if p99 > (LEASE_SECONDS + 5 if quantity > SLICE else GENEROUS_SECONDS):
        tally.problems.append(f"reclaimed after {p99:.1f} s, p99")
    writes = sum("I10" in problem for problem in tally.problems)
    tally.figures = {
        "zombies": str(tally.done),
        "late commits accepted": str(writes),
        "s to reclaim (p99), with a lease of 2.5 s": f"{p99:.1f}",
    }
    return tally


def _batch(arena: Arena, size: int, seed: int) -> tuple[int, list[float], list[str]]:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    whole, undone = everything(arena.effects.url), saga(arena.effects.url)
    runs: dict[str, tuple[Workload, UUID]] = {}
    victims: list[Forked] = []
    for _ in range(size):
        queue = f"q{uuid.uuid4().hex[:8]}"
        point = chance.choice(PLACES + WHILE_UNDOING)
        fault = Fault(point, "stop", 1 if point in WHILE_UNDOING else chance.choice((1, 1, 2, 3)))
        workload = undone if point in WHILE_UNDOING else whole
        (run_id,) = arena.submit(workload, queue=queue)
        runs[queue] = workload, run_id
        victims.append(arena.worker([fault], queues=[queue]))
    every = [run_id for _, run_id in runs.values()]
    arena.until(lambda: len(arena.fired()) + _ended(arena, every) >= size, GENEROUS_SECONDS, "the stops")
    # Twice as long as their lease they are silent; healthy ones take their places meanwhile.
    healthy = [arena.worker(queues=list(runs)) for _ in range(2)]
    since = 0.0
    try:
        since = _introduced(arena, [worker.name for worker in healthy])
        arena.until(lambda: arena.open_runs(every) == 0, GENEROUS_SECONDS, "the runs of stopped workers")
        time.sleep(max(0.0, LEASE_SECONDS - 1))
        for victim in victims:
            victim.send_signal(signal.SIGCONT)
        _let_them_find_out(arena, victims)
        found = oracles.everywhere(arena)
        for workload, run_id in runs.values():
            found += oracles.completed_rightly(arena, workload, [run_id])
    except AssertionError as error:
        found = [str(error)]
    finally:
        for worker in victims + healthy:
            worker.kill()
    return len(arena.fired()), _reclaims(arena, {str(victim.pid): victim.name for victim in victims}, since), found


def _introduced(arena: Arena, names: list[str]) -> float:
    """Wait for the first of these workers; since when the database knows it."""
    known = "SELECT extract(epoch FROM started_at) FROM highway.worker WHERE name = ANY (%s) ORDER BY started_at"
    found: list[float] = []

    def is_known() -> bool:
        found.extend(float(at) for (at,) in arena.query(known, names))
        return bool(found)

    arena.until(is_known, GENEROUS_SECONDS, "a healthy worker")
    return found[0]


def _ended(arena: Arena, runs: list[UUID]) -> int:
    """Runs whose victims did not come to their places."""
    return len(runs) - arena.open_runs(runs)


def _let_them_find_out(arena: Arena, victims: list[Forked]) -> None:
    """Wait until each has introduced itself again, under a new identity, or has at least had the time to write."""
    end = time.monotonic() + 3
    names = [victim.name for victim in victims]
    while time.monotonic() < end:
        rows = arena.query("SELECT count(*) FROM highway.worker WHERE name = ANY (%s)", names)
        if rows[0][0] >= len(names):
            return
        time.sleep(0.1)


def _reclaims(arena: Arena, names: dict[str, str], since: float) -> list[float]:
    """Seconds from each stop, or from when somebody could take over, to the next claim of a task that the stopped worker held."""
    stops = {names[line.split()[0]]: float(line.split()[2]) for line in arena.fired()}
    seconds = []
    for name, at in stops.items():
        rows = arena.query(
            """SELECT max(s.at) - %s FROM (
               SELECT l.seq, min(extract(epoch FROM n.at)) AS at FROM crash.task_change AS l
                 JOIN crash.worker_name AS w ON w.worker_id = l.old_worker AND w.name = %s
                 JOIN crash.task_change AS n ON n.task_id = l.task_id AND n.seq > l.seq AND n.new_state = 'running'
                WHERE l.session = 'highway upkeep' AND l.old_state = 'running' AND extract(epoch FROM n.at) > %s
                GROUP BY l.seq) AS s""",
            at,
            name,
            at,
        )
        if rows[0][0] is not None:
            seconds.append(float(rows[0][0]) - max(0.0, since - at))
    return seconds
