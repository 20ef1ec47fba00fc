"""Everything that `make run` starts, in order, and its end in the opposite order."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from launch import commands, process
from launch.client import Client
from launch.database import database
from launch.refusal import Refusal
from launch.supervisor import Service
from launch.terminal import say

SETTINGS = "highway_platform.settings.dev"
WORKERS = 2
START_SECONDS = 120.0
STEP_SECONDS = 300.0
WEB_STOP_SECONDS = 10.0
WORKER_STOP_SECONDS = 30.0


class Platform:
    """The processes of one platform on this machine."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{port}"
        self.key_file = home / "demo_api_key"
        self._port = port
        self._logs = home / "log"
        self._database = database(home)
        self._step: subprocess.Popen[bytes] | None = None
        self._services: list[Service] = []

    def start(self) -> None:
        """Start everything; return when the web server answers. After an exception, too, `stop` has to be called."""
        self._logs.mkdir(exist_ok=True)
        environment = commands.environment(SETTINGS, self._database.start(), HIGHWAY_HOME=str(self.home))
        if not (self._database.is_prepared() and self.key_file.exists()):
            self._prepare(environment)
        # One after the other: together they would only take each other's processor, and people wait for the web server.
        self._start_service("web", commands.web(self._port), environment, WEB_STOP_SECONDS)
        self._await_web()
        for number in range(1, WORKERS + 1):
            self._start_service(f"worker-{number}", commands.worker(), environment, WORKER_STOP_SECONDS)

    def tend(self) -> None:
        """One look at every process; to be called a few times a second."""
        self._database.tend(say)
        for service in self._services:
            service.tend(say)

    def stop(self) -> None:
        """Stop what was started: workers and web finish what they do, then the database closes."""
        if self._step is not None:
            process.stop(self._step, signal.SIGTERM, WEB_STOP_SECONDS)
        for service in self._services:
            service.ask_to_stop()
        for service in self._services:
            if not service.await_stop():
                say(f"{service.name} did not stop in time and was killed; its work goes on at the next start")
        self._database.stop()

    def kill(self) -> None:
        """For a second Ctrl-C: everything but the database ends at once."""
        for service in self._services:
            service.kill()

    def _prepare(self, environment: dict[str, str]) -> None:
        self._run_step("migrate", environment)
        # Talks: it prints the administrator's password, which must not stay in a log.
        self._run_step("bootstrap", environment, "--key-file", str(self.key_file), talks=True)
        self._database.remember_prepared()

    def _start_service(self, name: str, command: list[str], environment: dict[str, str], stop_seconds: float) -> None:
        log = self._fresh_log(name)
        service = Service(name, command, log=log, env=environment, cwd=commands.CHECKOUT, stop_seconds=stop_seconds)
        self._services.append(service)
        service.start()

    def _fresh_log(self, name: str) -> Path:
        """The log of a new start; that of the last one is kept beside it."""
        log = self._logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.old"))
        return log

    def _run_step(self, name: str, environment: dict[str, str], *arguments: str, talks: bool = False) -> None:
        """Run one management command to its end."""
        log = self._fresh_log(name)
        command = commands.manage(name, *arguments)
        self._step = process.spawn(
            command, log=log, death_signal=signal.SIGTERM, env=environment, cwd=commands.CHECKOUT, talks=talks
        )
        try:
            returncode = self._step.wait(STEP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refusal(f"manage.py {name} did not end within {STEP_SECONDS:.0f} s (see {log})") from None
        self._step = None
        if returncode != 0:
            last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
            raise Refusal(f"manage.py {name} failed: {' '.join(last)} (see {log})")

    def _await_web(self) -> None:
        client = Client(self.address)
        deadline = time.monotonic() + START_SECONDS
        while not client.answers():
            if time.monotonic() > deadline:
                raise Refusal(f"the web server does not answer: see {self._logs / 'web.log'}")
            self.tend()
            time.sleep(0.05)
