"""R12: the same request repeated, sixteen times at once, and while its server or its client is killed: one effect."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from launch import process
from tests.crash.arena import Arena
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.workload import listener, tiny
from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.api.definitions import WAIT_FOR_GO
from tests.support.databases import clone
from tests.support.stack import Stack

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


def over_http(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """Submissions over HTTP, sixteen at once, whose web server is killed in between; repeated until they are answered: one run each."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    tally = Tally()
    database = clone(stage.session, "platform")
    folder = stage.folder / f"web-{uuid.uuid4().hex[:6]}"
    folder.mkdir(parents=True)
    stack = Stack(database, folder)
    killed = 0
    try:
        stack.start_web()
        stack.manage("create_tenant", "acme")
        key = make_key(stack, "acme", "--role", "tenant_admin")
        for _ in range(quantity):
            found, died = _web_round(stack, key, chance)
            killed += died
            tally.problems += found
            tally.done += 1
            tick(1)
    finally:
        stack.stop()
        database.drop()
    tally.figures = {"requests": str(tally.done), "servers killed": str(killed)}
    return tally


def _web_round(stack: Stack, key: str, chance: random.Random) -> tuple[list[str], int]:
    mark = uuid.uuid4().hex
    body = {"workflow_definition": WAIT_FOR_GO, "tags": [mark]}
    ended = threading.Event()

    def ask(_: int) -> str:
        while not ended.is_set():
            try:
                answer = Client(stack.url, key).post("/api/v1/workflows", body, **{"Idempotency-Key": mark})
            except (OSError, ValueError, EOFError):  # the server is gone: as a client does, ask again with the same key
                time.sleep(0.1)
                continue
            if answer.status == 201:
                return str(answer.data["workflow_run_id"])
            time.sleep(0.1)
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(ask, number) for number in range(AT_ONCE)]
        time.sleep(chance.uniform(0.0, 0.25))
        web = stack.web
        process.kill_group(web)
        web.wait()
        stack.start_web(port=int(stack.url.rsplit(":", 1)[1]))
        timer = threading.Timer(60, ended.set)
        timer.start()
        runs = {each.result() for each in asked}
        timer.cancel()
    listed = Client(stack.url, key).get(f"/api/v1/workflows?tag={mark}").data["workflows"]
    return ([] if len(runs) == 1 and len(listed) == 1 else [f"{mark}: answered {runs}, stored {len(listed)}"]), 1
