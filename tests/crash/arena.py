"""Where the faults happen: a PostgreSQL of its own, a database that remembers, forked workers, and a ledger of what was accepted."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from engine import facade
from engine.db.connection import connect
from tests.crash.effects import Effects
from tests.crash.faults import Fault, noted
from tests.crash.workload import Workload, everything, small, tiny
from tests.support.databases import clone
from tests.support.forking import Forked, ForkServer
from tests.support.session import Session

LEASE_SECONDS = 2.5  # short, so that stopped workers are declared dead soon; twice the heartbeat on a busy machine


class Arena:
    """One tenant's stage. Use it as a context; a campaign makes as many as it needs on one server."""

    def __init__(
        self, session: Session, folder: Path, forks: ForkServer, effects: Effects, *, audit: bool = True
    ) -> None:
        self.session = session
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = clone(session, "engine", f"test_crash_{uuid.uuid4().hex[:10]}")
        self.tenant, self.canary = uuid.uuid4(), uuid.uuid4()
        self.forks = forks
        self.effects = effects
        self.children: list[Forked] = []
        self.settings: dict[str, Any] = {}  # of every worker from now on, unless it is given others
        self._definitions: dict[str, UUID] = {}
        self._number = 0
        self._observer: psycopg.Connection[Any] | None = None
        if audit:
            with psycopg.connect(self.database.superuser, autocommit=True) as connection:
                connection.execute((Path(__file__).parent / "audit.sql").read_text().encode())

    def __enter__(self) -> Arena:
        self.register(small())
        self.register(tiny())
        self.register(everything(self.effects.url))
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """End every process and drop the database."""
        for child in self.children:
            child.send_signal(signal.SIGKILL)
        for child in self.children:
            child.gone(5)
        if self._observer is not None:
            self._observer.close()
        self.database.drop()

    def register(self, workload: Workload) -> UUID:
        """The id of a definition, stored on first use."""
        if workload.name not in self._definitions:
            with connect(self.database.web) as connection:
                reference = facade.register(connection, tenant_id=self.tenant, definition=workload.definition)
            self._definitions[workload.name] = reference.definition_id
        return self._definitions[workload.name]

    def submit(self, workload: Workload, quantity: int = 1, queue: str = "default", **how: Any) -> list[UUID]:
        """Start runs in one transaction, as a healthy client."""
        definition = self.register(workload)
        with connect(self.database.web) as connection, connection.transaction():
            return [
                facade.submit(
                    connection, tenant_id=self.tenant, definition_id=definition, inputs={}, queue=queue, **how
                ).workflow_run_id
                for _ in range(quantity)
            ]

    def worker(self, faults: Iterable[Fault] = (), *, dsn: str = "", **options: Any) -> Forked:
        """A new worker; ``options`` are those of `WorkerConfig` and ``skew_seconds``."""
        self._number += 1
        name = f"w{self._number}"
        given = {"slots": 8, "grace_seconds": 5.0, "lease_seconds": LEASE_SECONDS, **self.settings, **options}
        arguments = {"dsn": dsn or self.database.worker, "name": name, "folder": str(self.folder), **given}
        return self.fork("worker", name, faults=[str(fault) for fault in faults], **arguments)

    def client(self, steps: Sequence[dict[str, Any]], faults: Iterable[Fault] = ()) -> Forked:
        """A process that does ``steps`` and keeps the ledger."""
        self._number += 1
        arguments = {"dsn": self.database.web, "folder": str(self.folder), "tenant": str(self.tenant)}
        given = {"faults": [str(fault) for fault in faults], "steps": list(steps)}
        return self.fork("client", f"client{self._number}", **arguments, **given)

    def fork(self, job: str, label: str, **arguments: Any) -> Forked:
        """Fork a process that runs a function of tests.crash.jobs."""
        child = self.forks.call(f"tests.crash.jobs:{job}", label, self.folder / f"{label}.log", **arguments)
        self.children = [*(each for each in self.children if not each.gone()), child]
        return child

    def ledger(self) -> list[dict[str, Any]]:
        """What clients were told had happened."""
        return [json.loads(line) for line in noted(self.folder / "ledger")]

    def fired(self) -> list[str]:
        """The faults that were done."""
        return noted(self.folder / "fired")

    def query(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database as the superuser. From the main thread only."""
        if self._observer is None or self._observer.closed:
            self._observer = psycopg.connect(self.database.superuser, autocommit=True)
        try:
            return self._observer.execute(query.encode(), parameters).fetchall()
        except psycopg.OperationalError:
            self._observer.close()  # its server was stopped meanwhile
            self._observer = psycopg.connect(self.database.superuser, autocommit=True)
            return self._observer.execute(query.encode(), parameters).fetchall()

    def until(self, condition: Callable[[], bool], seconds: float, what: str, every: float = 0.05) -> None:
        """Wait until something is true; a bound that is passed tells ``what`` was waited for."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} took longer than {seconds:g} s\n{self.log()}"
            time.sleep(every)

    def open_runs(self, runs: Sequence[UUID] | None = None) -> int:
        """How many runs (of those given) have not ended."""
        only = "" if runs is None else " AND workflow_run_id = ANY (%s)"
        parameters = [] if runs is None else [list(runs)]
        return int(
            self.query(f"SELECT count(*) FROM highway.workflow_run WHERE finished_at IS NULL{only}", *parameters)[0][0]
        )

    def open_in(self, queue: str) -> int:
        """How many runs of a queue have not ended, children among them, and how many of its schedules have ticks to come."""
        found = self.query(
            "SELECT (SELECT count(*) FROM highway.workflow_run WHERE queue = %s AND finished_at IS NULL)"
            " + (SELECT count(*) FROM highway.schedule WHERE queue = %s AND state = 'active')",
            queue,
            queue,
        )
        return int(found[0][0])

    def log(self) -> str:
        """The ends of the newest logs."""
        newest = sorted(self.folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[-4:]
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in newest)
