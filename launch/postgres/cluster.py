"""One cluster: made once, started as our child, stopped with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from launch import process
from launch.postgres import access, place, stale
from launch.postgres.binaries import programs
from launch.refusal import Refusal

START_SECONDS = 120.0  # a crashed cluster replays its log first
STOP_SECONDS = 30.0

SETTINGS = {
    "listen_addresses": access.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "logging_collector": "off",
    "timezone": "UTC",
    "jit": "off",  # short statements only: compiling them costs more than it saves
}
# For throw-away data: what is lost with the machine is not missed.
# Shared memory in its folder, so that it goes with the folder.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "dynamic_shared_memory_type": "mmap"}


class Cluster:
    """A PostgreSQL server with its data below one folder.

    Promise: after an interruption at any point (kill -9 included) the next `start` finds either nothing or a whole cluster,
    and the server never outlives the process that started it.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.account = place.server_account()
        self.folder = place.reachable_folder(folder, self.account)
        self.programs = programs(self.account)
        self._data = self.folder / "data"
        self._access_file = self.folder / "access.json"
        self._log = self.folder / "postgresql.log"
        self._settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._durable = durable
        self._server: access.Server | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> access.Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> access.Server:
        """Make the cluster if need be, start it, and return its address once it answers."""
        place.make_folder(self.folder, 0o711)
        server = access.load_or_create(self._access_file)
        if not self._data.exists():
            self._initialise(server)
        stale.clear(self._data)
        self._server = access.with_usable_port(server, self._access_file)
        self._child = self._spawn(self._server)
        self._await_ready(self._child)
        return self._server

    @property
    def server(self) -> access.Server:
        """The address of the started server."""
        if self._server is None:
            raise RuntimeError("the cluster was not started")
        return self._server

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Close connections, write everything out, end; with SIGQUIT end at once, which leaves a recovery to the next start. Safe to call twice."""
        if self._child is not None:
            process.stop(self._child, how, STOP_SECONDS)
            self._child = None

    def poll(self) -> int | None:
        """None while the server runs, else how it ended."""
        return None if self._child is None else self._child.poll()

    def _initialise(self, server: access.Server) -> None:
        """Make the data folder beside its place and move it there when it is whole."""
        unfinished = self.folder / "unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        place.make_folder(unfinished, 0o700)
        self.account.own(unfinished)
        password = unfinished / "password"
        password.touch(0o600)
        password.write_text(server.passwords[access.SUPERUSER])
        self.account.own(password)
        command: list[str | Path] = [
            self.programs / "initdb",
            "-D",
            unfinished / "data",
            "-U",
            access.SUPERUSER,
            f"--pwfile={password}",
            "--auth=scram-sha-256",
        ]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if not self._durable:
            command.append("--no-sync")
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=unfinished,
            user=self.account.user,
            group=self.account.group,
            extra_groups=self.account.extra_groups,
        )
        if done.returncode != 0:
            raise Refusal(f"initdb failed in {self.folder}: {_last_line(done.stderr)}")
        (unfinished / "data").rename(self._data)
        shutil.rmtree(unfinished)

    def _spawn(self, server: access.Server) -> subprocess.Popen[bytes]:
        command: list[str | Path] = [self.programs / "postgres", "-D", self._data, "-p", str(server.port)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        return process.spawn(
            command,
            log=self._log,
            death_signal=signal.SIGINT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd=self.folder,
            user=self.account.user,
            group=self.account.group,
        )

    def _await_ready(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while stale.state(self._data, child.pid) != "ready":
            if child.poll() is not None:
                raise Refusal(f"PostgreSQL did not start: {_last_line(self._log.read_text())} (see {self._log})")
            if time.monotonic() > deadline:
                self.stop()
                raise Refusal(f"PostgreSQL was not ready after {START_SECONDS:.0f} s: see {self._log}")
            time.sleep(0.01)


def _last_line(text: str) -> str:
    """The last line that tells the cause: PostgreSQL writes hints and farewells after it."""
    lines = [line for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return (causes or lines or ["no message"])[-1].strip()
