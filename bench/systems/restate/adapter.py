"""Restate in the bench: its server with a fresh store, its Python service behind Hypercorn, as its documentation serves it."""

from __future__ import annotations

import json
import platform
import shutil
import urllib.request
from pathlib import Path
from typing import ClassVar

from bench import peers
from bench.ground import Ground
from bench.names import PEERS
from bench.remote import Agent
from bench.systems.base import NotHereError, Processes, python_environment
from launch.postgres.access import free_port

CPU = {"x86_64": "x64", "aarch64": "arm64"}
# The settings of production that its documentation names for Hypercorn: no limit to streams and requests of a connection.
NO_LIMITS = (
    "h2_max_concurrent_streams = 2147483647\nkeep_alive_max_requests = 2147483647\nkeep_alive_timeout = 2147483647\n"
)


class Restate:
    """The server keeps its default settings: one node, every write synced to the disk. Only its ports and telemetry are ours."""

    name: ClassVar[str] = "restate"
    workloads: ClassVar[frozenset[str]] = PEERS
    needs_worker_to_submit: ClassVar[bool] = True
    database: str | None = None

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.processes = Processes(ground.folder / "restate")
        self._server = self._python = Path()
        self._ports = {"node": 0, "ingress": 0, "admin": 0, "service": 0}

    def install(self) -> str:
        """The server from npm, the library from pip."""
        self._python = peers.python(self.ground.folder)
        modules = peers.node_modules(self.ground.folder)
        kind = f"restate-server-linux-{CPU.get(platform.machine(), platform.machine())}"
        self._server = modules / "@restatedev" / kind / "bin" / "restate-server"
        if not self._server.exists():
            raise NotHereError(f"npm has no server for {platform.machine()}")
        package = json.loads((modules / "@restatedev" / "restate-server" / "package.json").read_text())
        return f"{package['version']} (library {peers.version(self._python, 'restate-sdk')})"

    def fresh(self) -> None:
        """A new store; the server comes up with it."""
        self.stop()
        for folder in (self._store, self._awakeables):
            shutil.rmtree(folder, ignore_errors=True)
        self._awakeables.mkdir(parents=True)
        self._ports = {name: free_port() for name in self._ports}
        self.processes.start([self._server, "--no-logo"], env=self._settings(), log="server.log")
        self.processes.await_ready(lambda: self._answers("/health"))

    def start(self, processes: int = 1) -> None:
        """The service, with so many Hypercorn workers, made known to the server."""
        config = self.processes.folder / "hypercorn.toml"
        config.write_text(f'bind = "127.0.0.1:{self._ports["service"]}"\nworkers = {processes}\n{NO_LIMITS}')
        serve: list[str | Path] = [
            self._python,
            "-m",
            "hypercorn",
            "--config",
            str(config),
            "bench.systems.restate.service:app",
        ]
        names = python_environment(BENCH_AWAKEABLES=str(self._awakeables))
        self.processes.start(serve, env=names, log="service.log")
        uri = {"uri": f"http://127.0.0.1:{self._ports['service']}", "force": True}
        self.processes.await_ready(lambda: self._answers("/deployments", uri))

    def stop(self) -> None:
        """Service and server."""
        self.processes.stop()

    def close(self) -> None:
        """The same."""
        self.stop()

    def agent(self) -> Agent:
        """Its ingress is asked over HTTP."""
        config = {
            "ingress": self._ports["ingress"],
            "admin": self._ports["admin"],
            "awakeables": str(self._awakeables),
        }
        log = self.processes.folder / "agent.log"
        return Agent(self._python, "bench.systems.restate.client", config, env=python_environment(), log=log)

    def worker_pids(self) -> list[int]:
        """The service."""
        return self.processes.pids[1:]

    def server_pid(self) -> int:
        """Its own server."""
        return self.processes.pids[0]

    def store_bytes(self) -> int:
        """Its folder, the log that it works from included."""
        return sum(file.stat().st_size for file in self._store.rglob("*") if file.is_file())

    @property
    def _store(self) -> Path:
        return self.processes.folder / "store"

    @property
    def _awakeables(self) -> Path:
        return self.processes.folder / "awakeables"

    def _settings(self) -> dict[str, str]:
        return python_environment(
            RESTATE_BASE_DIR=str(self._store),
            RESTATE_NODE_NAME="bench",
            RESTATE_LISTEN_MODE="tcp",
            RESTATE_BIND_IP="127.0.0.1",
            RESTATE_ADVERTISED_HOST="127.0.0.1",
            RESTATE_BIND_PORT=str(self._ports["node"]),
            RESTATE_INGRESS__BIND_PORT=str(self._ports["ingress"]),
            RESTATE_ADMIN__BIND_PORT=str(self._ports["admin"]),
            RESTATE_DISABLE_TELEMETRY="true",
            RESTATE_LOG_FILTER="warn",
        )

    def _answers(self, path: str, body: object = None) -> bool:
        """Whether the server's administration does what it is asked."""
        address = f"http://127.0.0.1:{self._ports['admin']}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return bool(answer.status < 300)
        except OSError:
            return False
