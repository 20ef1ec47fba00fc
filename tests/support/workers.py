"""Real worker processes on a test database."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from engine.model.views import RunView, StepView
from tests.support.databases import Database
from tests.support.forking import Forked
from tests.support.interleaving import problems
from tests.support.runs import start


@dataclass
class Workers:
    """Worker processes of one test, and what it takes to run a workflow to its end with them."""

    database: Database
    tenant: UUID
    logs: Path
    folder: Path  # shell steps may write here, whoever they run as
    processes: list[Forked] = field(default_factory=list)

    def start(self, processes: int = 1, **changes: Any) -> Forked:
        """One more worker, of so many processes; ``changes`` are fields of its `WorkerConfig`."""
        name = f"worker-{len(self.processes)}"
        command = [sys.executable, "-m", "tests.support.worker_process", self.database.worker, name]
        command += [json.dumps(changes), str(processes)]
        forks, log = self.database.session.forks, self.logs / f"{name}.log"
        self.processes.append(forks.run(command, out=log, environment=dict(os.environ)))
        return self.processes[-1]

    def kill(self, process: Forked) -> None:
        """kill -9."""
        process.kill()
        process.wait()

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        return [process.wait(timeout=20) for process in self.processes]

    def submit(self, definition: JsonObject, **how: Any) -> UUID:
        """Start a run; its id."""
        with connect(self.database.web) as connection:
            return start(connection, self.tenant, definition, **how)

    def ask(self, do: Callable[..., Any], workflow_run_id: UUID, **how: Any) -> Any:
        """Have a function of the facade done to a run."""
        with connect(self.database.web) as connection:
            return do(connection, tenant_id=self.tenant, workflow_run_id=workflow_run_id, **how)

    def wait_for(self, path: Path) -> None:
        """Wait until a step has made the file."""
        end = time.monotonic() + 40
        while not path.exists():
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    def hurry(self, workflow_run_id: UUID) -> None:
        """The time that the run sleeps for is over."""
        with connect(self.database.worker) as connection, connection.transaction():
            for change in ("wait SET due_at = highway.now()", "task SET available_at = highway.now()"):
                connection.execute(
                    f"UPDATE highway.{change} WHERE workflow_run_id = %s",  # type: ignore[arg-type]
                    [workflow_run_id],
                )

    def run(self, workflow_run_id: UUID) -> RunView:
        """The run as it is now."""
        with connect(self.database.web) as connection:
            return facade.get_run(connection, tenant_id=self.tenant, workflow_run_id=workflow_run_id)

    def steps(self, workflow_run_id: UUID) -> dict[str, StepView]:
        """Steps by ``scope/key``."""
        with connect(self.database.web) as connection:
            steps = facade.list_steps(connection, tenant_id=self.tenant, workflow_run_id=workflow_run_id)
        return {f"{step.scope}/{step.key}" if step.scope else step.key: step for step in steps}

    def result(self, workflow_run_id: UUID) -> JsonObject:
        """What the run's steps gave."""
        with connect(self.database.web) as connection:
            return facade.run_result(connection, tenant_id=self.tenant, workflow_run_id=workflow_run_id)

    def finish(self, workflow_run_id: UUID, seconds: float = 30) -> RunView:
        """Wait for the end of the run."""
        return self.wait(workflow_run_id, lambda run: not run.is_open, seconds)

    def wait(self, workflow_run_id: UUID, until: Callable[[RunView], bool], seconds: float = 30) -> RunView:
        """Wait for something to become true of the run."""
        end = time.monotonic() + seconds
        while not until(run := self.run(workflow_run_id)):
            if time.monotonic() > end or all(process.poll() is not None for process in self.processes):
                raise AssertionError(f"still {run}\n{self.steps(workflow_run_id)}\n{self.log()}")
            time.sleep(0.02)
        return run

    def wait_for_workers(self, number: int) -> None:
        """Wait until so many workers have introduced themselves."""
        end = time.monotonic() + 60
        while self.introduced() < number:
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    def introduced(self) -> int:
        """How many workers have introduced themselves and are not known to be gone."""
        with connect(self.database.web) as connection:
            return len(facade.workers(connection))

    def log(self) -> str:
        """The workers' logs, for a failing test."""
        return "\n".join(path.read_text()[-4000:] for path in sorted(self.logs.glob("*.log")))


@pytest.fixture
def workers(database: Database, tenant: UUID, tmp_path: Path, open_folder: Path) -> Iterator[Workers]:
    """No worker runs yet; ``start()`` as many as the test wants. At the end nothing may be stuck."""
    family = Workers(database, tenant, tmp_path, open_folder)
    yield family
    found = problems(database.worker, grace_seconds=3)
    for process in family.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    assert found == []


@pytest.fixture(scope="module")
def module_worker(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """One worker that runs for all tests of a module."""
    folder = tmp_path_factory.mktemp("worker")
    family = Workers(module_database, UUID(int=0), folder, folder)
    family.start()
    yield family
    for process in family.processes:
        process.kill()
        process.wait()


@pytest.fixture
def crew(module_worker: Workers, tenant: UUID, open_folder: Path) -> Iterator[Workers]:
    """The module's running worker, for one test's tenant. The test leaves it alive; at the end nothing may be stuck."""
    yield replace(module_worker, tenant=tenant, folder=open_folder)
    assert problems(module_worker.database.worker, grace_seconds=3) == []
