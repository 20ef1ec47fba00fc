"""R10: people decide, change their minds, use links twice, and meet the end of the question's time and of its run, all at the same moment."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from engine import facade
from engine.db.connection import connect
from engine.db.errors import StateError
from engine.facade.approvals import decide_by_token, issue_token
from engine.model.approvals import ApprovalView
from engine.queue.commit import commit
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.campaigns.racing import clear, race
from tests.crash.oracles import i12_approvals_are_decided_once
from tests.crash.workload import tiny
from tests.support.approving import asking, decide, question
from tests.support.interleaving import problems
from tests.support.runs import take

BATCH = 100
RACES_AN_ARENA = 2000
RACERS = 6
PEOPLE = ("ann", "bob", "cid", "dan")
MOVES = ("approve",) * 10 + ("link",) * 4 + ("reject", "expire", "cancel", "kill", "pause", "resume")


@dataclass(frozen=True)
class Move:
    """What one racer does to a question."""

    what: str
    person: str


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """``quantity`` questions, each over which six sessions race."""
    tally, ends = Tally(), Counter[str]()
    while tally.done < quantity:
        with stage.arena(audit=False) as arena:  # a fresh one now and then, as the oracles read everything
            until = min(quantity, tally.done + RACES_AN_ARENA)
            while tally.done < until:
                size = min(BATCH, until - tally.done)
                told, found = _batch(arena, size, seed + tally.done)
                tally.problems += [f"seed {seed + tally.done}: {problem}" for problem in found]
                ends.update(told)
                tally.done += size
                tick(size)
            tally.problems += i12_approvals_are_decided_once(arena)
    tally.figures = {"races": str(tally.done)} | {name: str(number) for name, number in sorted(ends.items())}
    return tally


def _batch(arena: Arena, size: int, seed: int) -> tuple[list[str], list[str]]:
    """So many races: how each question ended, and what was wrong."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    with connect(arena.database.worker) as connection:
        questions = [_asked(connection, arena, chance) for _ in range(size)]
        answers = _race(arena, questions, chance)
        found = [
            f"I12 {one.approval_id} is {state}, and was said to be {said}"
            for one in questions
            if (said := answers[one.approval_id] - {"pending"}) - {state := _state(connection, arena, one)}
        ]
        ends = [_state(connection, arena, one) for one in questions]
    found += problems(arena.database.worker)
    found += [] if len(ends) == size else ["a question is gone"]
    clear(arena)
    return ends, found


def _asked(connection: psycopg.Connection[Any], arena: Arena, chance: random.Random) -> ApprovalView:
    """A run that sleeps on its question: of one stage or two, with a quorum of up to two each."""
    (run_id,) = arena.submit(tiny())
    (task,) = take(arena.database.worker, 1)
    stages = [{"approvers": [], "quorum": chance.choice((1, 1, 2))} for _ in range(chance.choice((1, 1, 2)))]
    commit(connection, [asking(task, question(stages=stages))], uuid4())
    (found,) = facade.approvals_of_run(connection, tenant_id=arena.tenant, workflow_run_id=run_id)
    return found


def _state(connection: psycopg.Connection[Any], arena: Arena, asked: ApprovalView) -> str:
    return facade.get_approval(connection, tenant_id=arena.tenant, name=str(asked.approval_id)).state


def _race(arena: Arena, questions: list[ApprovalView], chance: random.Random) -> dict[UUID, set[str]]:
    """What the racers were told of each question; refusals left out."""
    plans = [[Move(chance.choice(MOVES), chance.choice(PEOPLE)) for _ in range(RACERS)] for _ in questions]
    links = _links(arena, questions)
    told: dict[UUID, set[str]] = {one.approval_id: set() for one in questions}
    lock = threading.Lock()

    def racer(lane: int) -> Callable[[threading.Barrier], None]:
        def go(barrier: threading.Barrier) -> None:
            with connect(arena.database.web, lock_seconds=30) as connection:
                for asked, moves in zip(questions, plans, strict=True):
                    barrier.wait()
                    answer = _do(connection, arena.tenant, asked, moves[lane], links)
                    if answer:
                        with lock:
                            told[asked.approval_id].add(answer)

        return go

    race([racer(lane) for lane in range(RACERS)])
    return told


def _links(arena: Arena, questions: list[ApprovalView]) -> dict[tuple[UUID, str], str]:
    """A link for each person to each question; two racers may use the same one."""
    with connect(arena.database.web) as connection:
        return {
            (asked.approval_id, person): issue_token(
                connection, tenant_id=arena.tenant, approval_id=asked.approval_id, person=person
            )
            for asked, person in itertools.product(questions, PEOPLE)
        }


def _do(
    connection: psycopg.Connection[Any],
    tenant: UUID,
    asked: ApprovalView,
    move: Move,
    links: dict[tuple[UUID, str], str],
) -> str | None:
    """The answer of a decision; None for a refusal and for what answers nothing."""
    run = {"tenant_id": tenant, "workflow_run_id": asked.workflow_run_id}
    try:
        match move.what:
            case "approve" | "reject":
                return decide(connection, tenant, asked, move.what, move.person)
            case "link":
                token = links[asked.approval_id, move.person]
                return decide_by_token(connection, tenant_id=tenant, token=token, vote="approve")
            case "expire":
                _expire(connection, tenant, asked)
            case "cancel" | "kill" | "pause" | "resume":
                getattr(facade, move.what)(connection, **run)
    except StateError:
        return None
    return None


def _expire(connection: psycopg.Connection[Any], tenant: UUID, asked: ApprovalView) -> None:
    """What the service does, at a time at which the question's own has passed."""
    with connection.transaction():
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant)])
        connection.execute("SET LOCAL highway.now_offset = '2 hours'")
        connection.execute("SELECT highway.expire_approval(%s, %s)", [tenant, asked.approval_id])
