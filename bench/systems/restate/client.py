"""Restate's client: requests to its ingress, as its documentation has it, over many connections where many are submitted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from bench.client import Ends, Kind, Stage
from bench.results import percentile
from bench.systems.restate.http import Line, many

LINES = 100
SETTLED_SECONDS = 0.1  # by then a run that has told by which name it can be woken waits: no cheap question tells
COUNT_SECONDS = 0.5  # its tables are asked through a query engine, so not more often
OPEN = "SELECT count(*) AS open FROM sys_invocation WHERE status <> 'completed'"


class RestateClient:
    """A call is a run: its answer comes when it has ended. What shall not run yet is sent with a delay."""

    def __init__(self, ingress: int, admin: int, awakeables: Path) -> None:
        self._awakeables = awakeables
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._lines = [Line(ingress) for _ in range(LINES)]
        self._admin = Line(admin)
        self._calls: dict[str, tuple[float, Future[bytes]]] = {}
        self._held = 0
        self._ended: list[float] = []
        self._counted_at = 0.0

    def submit(self, kind: Kind, hold_seconds: float = 0) -> str:
        """One run. A held one is durable when the server has answered; another is waited for by `stage`."""
        run = str(uuid.uuid4())
        if hold_seconds:
            self._do(self._lines[0].post(_send(kind, hold_seconds)))
        else:
            call = self._lines[0].post(f"/bench/{kind}", run if kind == "wake_up" else None)
            self._calls[run] = (time.time(), asyncio.run_coroutine_threadsafe(call, self._loop))
        return run

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:
        """Held ones are sent; others are called, a hundred at a time, so that all have ended when this returns."""
        if hold_seconds:
            until = time.time() + hold_seconds
            self._do(many(self._lines, count, lambda _: _send(kind, max(1, until - time.time())), lambda: None))
            self._held += count
        else:
            self._do(many(self._lines, count, lambda _: f"/bench/{kind}", lambda: self._ended.append(time.time())))

    def emit(self, run: str) -> None:
        """Resolve what a run waits for, by a second connection: the first waits for its end."""
        name = (self._awakeables / run).read_text()
        self._do(self._lines[1].post(f"/restate/awakeables/{name}/resolve", "go"))

    def stage(self, run: str) -> Stage:
        """Whether its answer has come."""
        began, call = self._calls[run]
        if call.done():
            return "failed" if call.exception() else "done"
        is_settled = time.time() - began > SETTLED_SECONDS and (self._awakeables / run).exists()
        return "waiting" if is_settled else "open"

    def all_done(self) -> bool:
        """Whether what was held has run, too."""
        return not self._held or self._count() == self._held

    def ends(self, since: float) -> Ends:
        """Times at which the ends were seen."""
        self.all_done()
        ended = [at for at in self._ended if at >= since]
        return Ends(len(ended), percentile(ended, 0.2) if ended else 0, max(ended, default=0))

    def begun_at(self, run: str) -> float | None:  # noqa: ARG002
        """It does not say."""
        return None

    def resumed_at(self, run: str) -> float:
        """What the workflow answered."""
        return float(self._calls[run][1].result())

    def close(self) -> None:
        """Hang up."""
        for line in (*self._lines, self._admin):
            self._loop.call_soon_threadsafe(line.close)

    def _count(self) -> int:
        """How many of the held ones have ended; those that have since the last look are taken to have ended evenly."""
        now = time.time()
        if now - self._counted_at > COUNT_SECONDS:
            answer = self._do(self._admin.post("/query", {"query": OPEN}, accept="application/json"))
            ended = self._held - int(json.loads(answer)["rows"][0]["open"])
            # When this answer came: a look takes its time on a busy machine.
            now, before, fresh = time.time(), self._counted_at or now, ended - len(self._ended)
            self._ended += [before + (now - before) * (place + 1) / fresh for place in range(fresh)]
            self._counted_at = now
        return len(self._ended)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _send(kind: Kind, hold_seconds: float) -> str:
    return f"/bench/{kind}/send?delay={round(hold_seconds * 1000)}ms"


def open_client(config: dict[str, Any]) -> RestateClient:
    """A client of the server that the bench names."""
    return RestateClient(config["ingress"], config["admin"], Path(config["awakeables"]))
