"""Runs the floor's scripts and reads what `pgbench` says."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from bench.ground import Ground
from bench.names import FLOOR
from bench.results import Figure, Result, latency
from bench.sizes import Sizes
from bench.systems.base import NotHereError

HERE = Path(__file__).parent
CLIENTS = 16
HUNDRED = 100
RUN_SECONDS = 300.0
LISTEN_SECONDS = 30.0


class Floor:
    """No system: `measure` gives for each workload what it would cost PostgreSQL alone."""

    name: ClassVar[str] = FLOOR
    database = "bench_floor"

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._measures: Mapping[str, Callable[[Sizes], tuple[Figure, ...]]] = {
            "W1": self._one_step,
            "W2": self._steps,
            "W4": lambda sizes: (self._notify(sizes, "to done"),),
            "W5": lambda sizes: (self._notify(sizes, "to go on"),),
            "W6": self._backlog,
            "W7": self._submit,
        }
        self.workloads = frozenset(self._measures)

    def install(self) -> str:
        """`pgbench` comes with the cluster."""
        return self.ground.version()

    def close(self) -> None:
        """Nothing runs."""

    def measure(self, workload: str, sizes: Sizes) -> Result:
        """One workload, in a fresh database."""
        self.ground.recreate(self.database)
        with self.ground.administer(self.database) as connection:
            connection.execute((HERE / "tables.sql").read_text())  # a file of ours
        return Result(workload, self.name, self._measures[workload](sizes))

    def _one_step(self, sizes: Sizes) -> tuple[Figure, ...]:
        return (
            self._ends(sizes.backlog, ""),
            self._ends(sizes.backlog, "in one commit", "claim_and_end_at_once"),
            self._ends_in_hundreds(sizes.backlog * 5),
        )

    def _backlog(self, sizes: Sizes) -> tuple[Figure, ...]:
        return tuple(
            self._ends(sizes.backlog, f"{processes} process{'es' * (processes > 1)}") for processes in sizes.processes
        )

    def _steps(self, sizes: Sizes) -> tuple[Figure, ...]:
        return (
            Figure(per_second=self._run("insert_checkpoint", sizes.backlog, CLIENTS)),
            Figure("1 client", per_second=self._run("insert_checkpoint", sizes.backlog // 4, 1)),
        )

    def _submit(self, sizes: Sizes) -> tuple[Figure, ...]:
        return (
            Figure("single", per_second=self._run("insert_task", sizes.backlog // 4, 1)),
            Figure("batch", per_second=HUNDRED * self._run("insert_hundred_tasks", sizes.backlog // 40, 1)),
        )

    def _ends(self, count: int, label: str, script: str = "claim_and_end") -> Figure:
        self._fill(count)
        return Figure(label, per_second=self._run(script, count, CLIENTS))

    def _ends_in_hundreds(self, count: int) -> Figure:
        self._fill(count + CLIENTS * HUNDRED)
        clients = min(CLIENTS, count // HUNDRED)
        return Figure("in hundreds", per_second=HUNDRED * self._run("claim_and_end_hundred", count // HUNDRED, clients))

    def _fill(self, count: int) -> None:
        with self.ground.administer(self.database) as connection:
            connection.execute("TRUNCATE task")
            connection.execute("INSERT INTO task (id) SELECT generate_series(1, %s)", [count])
            connection.execute("VACUUM ANALYZE task")
            connection.execute("CHECKPOINT")

    def _run(self, script: str, times: int, clients: int) -> float:
        """Scripts a second."""
        command: list[str | Path] = [self.ground.programs / "pgbench", "--no-vacuum", "--protocol=prepared"]
        command += ["--file", HERE / f"{script}.sql", "--client", str(clients), "--jobs", str(min(clients, 2))]
        command += ["--transactions", str(max(1, times // clients)), self.ground.url(self.database)]
        done = subprocess.run(
            command, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=RUN_SECONDS
        )
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or found is None:
            raise NotHereError(f"pgbench failed: {done.stderr.strip()[-500:]}")
        return float(found[1])

    def _notify(self, sizes: Sizes, label: str) -> Figure:
        """From before a commit that notifies until another session has heard of it: the least that a wake-up takes."""
        with self.ground.administer(self.database) as sender, self.ground.administer(self.database) as hearer:
            hearer.execute("LISTEN woken")
            return latency([self._notice(sender, hearer, number) for number in range(1, sizes.latencies + 1)], label)

    @staticmethod
    def _notice(sender: psycopg.Connection[Any], hearer: psycopg.Connection[Any], number: int) -> float:
        asked = time.perf_counter()
        with sender.transaction():
            sender.execute("INSERT INTO task (id) VALUES (%s)", [number])
            sender.execute("NOTIFY woken")
        if not list(hearer.notifies(timeout=LISTEN_SECONDS, stop_after=1)):
            raise NotHereError("a notification did not come")
        return time.perf_counter() - asked
