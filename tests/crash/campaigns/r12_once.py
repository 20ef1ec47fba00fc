"""R12 without HTTP: the same mutation of the facade repeated and sixteen times at once has one effect."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.workload import listener, tiny

AT_ONCE = 16
Act = Callable[[Any, UUID, UUID], UUID | None]


def front_door(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Every mutating function of the facade under one key, sixteen at once and once more, ``quantity`` times."""
    tally = Tally()
    with stage.arena(audit=False) as arena:
        for _ in range(quantity):
            for name, act in _actions(arena).items():
                tally.problems += _sixteen(arena, name, act)
                tally.done += 1
                tick(1)
    tally.figures = {"mutations": str(tally.done), "requests each": str(AT_ONCE + 1)}
    return tally


def _actions(arena: Arena) -> dict[str, Act]:
    definition = arena.register(tiny())

    def submit(connection: Any, tenant: UUID, _run: UUID) -> UUID | None:
        return facade.submit(connection, tenant_id=tenant, definition_id=definition, inputs={}).workflow_run_id

    def emit(connection: Any, tenant: UUID, run: UUID) -> None:
        facade.emit_event(connection, tenant_id=tenant, workflow_run_id=run, name="go")

    def signal(connection: Any, tenant: UUID, run: UUID) -> None:
        facade.send_signal(connection, tenant_id=tenant, workflow_run_id=run, name="ping")

    def cancel(connection: Any, tenant: UUID, run: UUID) -> None:
        facade.cancel(connection, tenant_id=tenant, workflow_run_id=run)

    return {"submit": submit, "emit": emit, "signal": signal, "cancel": cancel}


def _sixteen(arena: Arena, name: str, act: Act) -> list[str]:
    (run,) = arena.submit(listener())
    key = f"{name}-{uuid.uuid4()}"
    before = _effects(arena)
    barrier = threading.Barrier(AT_ONCE, timeout=30)

    def once(_: int) -> Any:
        with connect(arena.database.web) as connection:
            if not barrier.broken and _ < AT_ONCE:
                barrier.wait()
            with connection.transaction():
                known = facade.claim_key(connection, tenant_id=arena.tenant, key=key, request_hash=name)
                if known is not None:
                    return known.body
                started = act(connection, arena.tenant, run)
                body = {"answer": str(uuid.uuid4())}
                facade.answer(
                    connection, tenant_id=arena.tenant, key=key, status=200, body=body, workflow_run_id=started
                )
                return body

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(once, range(AT_ONCE)))
    answers.append(once(AT_ONCE))
    effects = _effects(arena) - before
    found = [] if effects == 1 else [f"{name}: {effects} effects"]
    return found + ([] if all(answer == answers[0] for answer in answers) else [f"{name}: answers differ {answers}"])


def _effects(arena: Arena) -> int:
    """Runs, signals, cancellations; an event counts where no signal brought it."""
    return int(
        arena.query(
            "SELECT (SELECT count(*) FROM highway.workflow_run) + (SELECT count(*) FROM highway.signal) "
            "+ (SELECT count(*) FROM highway.journal WHERE kind = 'cancel_requested') "
            "+ (SELECT count(*) FROM highway.event WHERE name <> 'ping')"
        )[0][0]
    )
