"""A peer whose truth is in PostgreSQL: a database of its own in the bench's cluster, its workers and client in the peers' environment."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import ClassVar

from bench import costs, peers
from bench.ground import Ground
from bench.remote import Agent
from bench.systems.base import NotHereError, Processes, python_environment
from launch.commands import CHECKOUT

PREPARE_SECONDS = 120.0
READY = "ready"  # what a worker writes when it works


class PostgresPeer:
    """Runs ``MODULE.prepare URL`` once for a template, then ``MODULE.worker URL NUMBER``, and ``MODULE.client`` in an agent."""

    name: ClassVar[str]
    workloads: ClassVar[frozenset[str]]
    packages: ClassVar[tuple[str, ...]]
    needs_worker_to_submit: ClassVar[bool] = False

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.database: str | None = f"bench_{self.name}"
        self.processes = Processes(ground.folder / self.name)
        self._python = Path()

    def install(self) -> str:
        """The packages, and a template with its schema."""
        self._python = peers.python(self.ground.folder)
        self.ground.recreate(self._template)
        self._prepare(self.ground.url(self._template))
        found = {package: peers.version(self._python, package) for package in self.packages}
        own = found.pop(self.name, "")
        return own or " and ".join(f"{package} {version}" for package, version in found.items())

    def fresh(self) -> None:
        """A copy of the template."""
        self.stop()
        self.ground.recreate(self._database, template=self._template)

    def start(self, processes: int = 1) -> None:
        """So many worker processes."""
        logs = [
            self.processes.start(
                [self._python, "-m", f"{self._module}.worker", self.ground.url(self._database), str(number)],
                env=python_environment(),
                log=f"worker-{number}.log",
            )
            for number in range(1, processes + 1)
        ]
        self.processes.await_ready(lambda: all(READY in log.read_text(errors="replace") for log in logs))

    def stop(self) -> None:
        """The workers."""
        self.processes.stop()

    def close(self) -> None:
        """The same."""
        self.stop()

    def agent(self) -> Agent:
        """Its own library submits; the same kind of looks as at everybody's tables."""
        config = {"dsn": self.ground.url(self._database)}
        log = self.processes.folder / "agent.log"
        return Agent(self._python, f"{self._module}.client", config, env=python_environment(), log=log)

    def worker_pids(self) -> list[int]:
        """The workers."""
        return self.processes.pids

    def server_pid(self) -> int:
        """PostgreSQL."""
        return self.ground.pid

    def store_bytes(self) -> int:
        """The database."""
        return costs.size_bytes(self.ground, self._database)

    @property
    def _database(self) -> str:
        return f"bench_{self.name}"

    @property
    def _template(self) -> str:
        return f"bench_template_{self.name}"

    @property
    def _module(self) -> str:
        return f"bench.systems.{self.name}"

    def _prepare(self, url: str) -> None:
        done = subprocess.run(
            [self._python, "-m", f"{self._module}.prepare", url],
            env=python_environment(),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PREPARE_SECONDS,
        )
        if done.returncode != 0:
            raise NotHereError(f"its schema could not be made: {done.stderr.strip().splitlines()[-1:]}")
