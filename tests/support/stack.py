"""The platform's real processes for tests: a web server on a free port and workers, all on one test database."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from engine import facade
from engine.db.connection import connect
from launch import commands, process
from launch.postgres.access import free_port
from tests.support.databases import Database
from tests.support.forking import Forked

START_SECONDS = 120.0
STOP_SECONDS = 15.0


class Stack:
    """Starts, stops and kills processes of the platform. What they print goes to files in ``logs``, shown when a start fails."""

    def __init__(self, database: Database, logs: Path) -> None:
        self.database = database
        self.logs = logs
        self.url = ""
        self.workers: list[Forked] = []
        self._web: Forked | None = None
        self._environment = database.environment(HIGHWAY_HOME=str(logs))

    @property
    def web(self) -> Forked:
        """The process of the web server."""
        assert self._web is not None
        return self._web

    def set(self, **variables: str) -> None:
        """Variables of the environment for what is started from now on."""
        self._environment |= variables

    def start_web(self, port: int = 0) -> str:
        """Start the web server, on ``port`` if it is given; returns its address once it answers."""
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._web = self._spawn(commands.web(port, processes=1), "web.log")
        self._await_answer(self._web, f"{self.url}/api/v1/ping")
        return self.url

    def start_worker(self, *arguments: str) -> Forked:
        """Start one more `manage.py runworker`."""
        worker = self._spawn(commands.worker(*arguments), f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def kill_worker(self, worker: Forked) -> None:
        """kill -9 for the worker and all that it started."""
        process.kill_group(worker)
        worker.wait()

    def introduced(self) -> int:
        """How many workers have introduced themselves and are not known to be gone."""
        with connect(self.database.web) as connection:
            return len(facade.workers(connection))

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        command = commands.manage(*arguments)
        with tempfile.TemporaryDirectory(dir=self.logs) as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            child = self.database.session.forks.run(command, out=out, err=err, environment=self._environment)
            done = subprocess.CompletedProcess(command, child.wait(), out.read_text(), err.read_text())
        assert done.returncode == 0 or not check, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"
        return done

    def log(self, name: str) -> str:
        """What a process printed: "web.log", "worker-0.log" ..."""
        return (self.logs / name).read_text(errors="replace")

    def stop(self) -> None:
        """Stop everything, workers first."""
        children = [*self.workers, *([self._web] if self._web else [])]
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in children:
            process.wait_or_kill(child, STOP_SECONDS)

    def _spawn(self, command: list[str], log: str) -> Forked:
        return self.database.session.forks.run(command, out=self.logs / log, environment=self._environment)

    def _await_answer(self, child: Forked, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            assert child.poll() is None, f"the web server ended:\n{self.log('web.log')}"
            assert time.monotonic() < deadline, f"no answer from {url}:\n{self.log('web.log')}"
            time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False
    except OSError:
        return False
