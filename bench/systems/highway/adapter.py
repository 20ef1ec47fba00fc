"""Ours: real workers (`manage.py runworker`), submissions by `engine.facade` as the web process makes them."""

from __future__ import annotations

import subprocess
from typing import ClassVar

from bench import costs
from bench.ground import Ground
from bench.names import LONG, TABLE
from bench.remote import Agent
from bench.systems.base import OWN_PYTHON, NotHereError, Processes, python_environment
from launch import commands
from launch.postgres import prepare_database

SETTINGS = "highway_platform.settings.dev"  # those of `make run`
TEMPLATE = "bench_template"


class Highway:
    """Highway Platform, this checkout."""

    name: ClassVar[str] = "highway"
    workloads: ClassVar[frozenset[str]] = frozenset((*TABLE, *LONG))
    needs_worker_to_submit: ClassVar[bool] = False
    database: str = "bench_highway"

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.processes = Processes(ground.folder / "highway")

    def install(self) -> str:
        """Migrate the template anew: another start may have been of other code."""
        self.ground.recreate(TEMPLATE, owner="highway_owner")
        prepare_database(self.ground.programs, self.ground.server, TEMPLATE)
        self.manage("migrate", "--verbosity", "0", database=TEMPLATE)
        return _revision()

    def fresh(self) -> None:
        """A copy of the migrated template."""
        if self.ground.shared and self.processes.children:
            return
        self.stop()
        self.ground.recreate(self.database, template=TEMPLATE, owner="highway_owner")

    def start(self, processes: int = 1) -> None:
        """The real entry, as an operator starts it."""
        if self.ground.shared and self.processes.children:
            return
        command = commands.worker("--processes", str(processes), "--name", "bench")
        self.processes.start(command, env=self.environment(), log="worker.log")
        self.processes.await_ready(lambda: self._ready_workers() >= processes)

    def stop(self) -> None:
        """Workers, and the web server where a workload started one."""
        if not self.ground.shared:
            self.processes.stop()

    def close(self) -> None:
        """The same, shared or not."""
        self.processes.stop()

    def agent(self) -> Agent:
        """Submits with the web's role, looks as a superuser."""
        config = {"web": self.ground.url(self.database, "app_web"), "look": self.ground.url(self.database)}
        log = self.processes.folder / "agent.log"
        return Agent(OWN_PYTHON, "bench.systems.highway.client", config, env=python_environment(), log=log)

    def worker_pids(self) -> list[int]:
        """The process of `runworker`."""
        return self.processes.pids[:1]

    def server_pid(self) -> int:
        """PostgreSQL."""
        return self.ground.pid

    def store_bytes(self) -> int:
        """The database."""
        return costs.size_bytes(self.ground, self.database)

    def environment(self, database: str | None = None) -> dict[str, str]:
        """Variables for the platform's processes."""
        roles = commands.database_environment(self.ground.server, database or self.database)
        return commands.environment(SETTINGS, roles, HIGHWAY_HOME=str(self.processes.folder))

    def manage(self, *arguments: str, database: str | None = None) -> str:
        """Run a management command; what it printed."""
        done = subprocess.run(
            commands.manage(*arguments),
            env=self.environment(database),
            cwd=commands.CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotHereError(f"manage.py {arguments[0]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def _ready_workers(self) -> int:
        with self.ground.administer(self.database) as connection:
            row = connection.execute("SELECT count(*) FROM highway.worker").fetchone()
        return int(row[0]) if row else 0


def _revision() -> str:
    """The commit that is measured, and whether files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    described = subprocess.run(command, cwd=commands.CHECKOUT, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "of no commit"
