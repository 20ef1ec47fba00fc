"""One throw-away PostgreSQL for a whole test session, shared by its xdist workers.

With xdist the controller starts it before its first worker and stops it last; without, the first test that asks starts it.
Its data lies in a temporary folder whose lock is held by the session: folders of killed sessions have no holder and are swept away.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from launch.commands import CHECKOUT
from launch.postgres import Cluster, Server, prepare_roles
from tests.support.forking import ForkServer

MEMORY = Path("/dev/shm")  # noqa: S108 (folders there get names of their own): a clone takes 13 ms there, 270 ms on a disk
MEMORY_NEEDED_BYTES = 2 * 1024**3
PREFIX = f"highway-tests-{os.getuid()}-"


class Session:
    """A running test server, seen from the process that started it (``cluster``) or from an xdist worker (None)."""

    def __init__(
        self, server: Server, folder: Path, programs: Path, cluster: Cluster | None = None, lock: IO[str] | None = None
    ) -> None:
        self.server = server
        self.folder = folder
        self.programs = programs
        self._cluster = cluster
        self._lock = lock
        self.forks = ForkServer(
            folder / f"forks-{os.getpid()}", "tests.support.forking.platform", "tests.support.tools"
        )

    @classmethod
    def start(cls) -> Session:
        """Start a new server in a new folder."""
        folder, lock = _new_folder()
        cluster = Cluster(folder / "postgres", durable=False)
        server = cluster.start()
        prepare_roles(cluster.programs, server, CHECKOUT / "sql" / "roles.sql")
        return cls(server, folder, cluster.programs, cluster, lock)

    @classmethod
    def join(cls, shared: dict[str, Any]) -> Session:
        """The session that `share` described, in another process."""
        return cls(Server(**shared["server"]), Path(shared["folder"]), Path(shared["programs"]))

    def share(self) -> dict[str, Any]:
        """This session as plain data for xdist's workers."""
        return {"server": asdict(self.server), "folder": str(self.folder), "programs": str(self.programs)}

    def crash(self) -> None:
        """Stop the server as a power cut would; `recover` starts it again on its port. Only where it was started."""
        assert self._cluster is not None
        self._cluster.stop(signal.SIGQUIT)

    def recover(self) -> None:
        """Start a crashed server. Raises `Refusal` when it is stopped again meanwhile."""
        assert self._cluster is not None
        before = self.server.port
        assert self._cluster.start().port == before, "somebody else took the server's port"

    def stop(self) -> None:
        """Stop the server and remove its data; where it was only joined, end our own processes."""
        self.forks.close()
        if self._cluster is None or self._lock is None:
            return
        self._cluster.stop()
        shutil.rmtree(self._cluster.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def _new_folder() -> tuple[Path, IO[str]]:
    """A new folder and the lock on it, after removing the folders of sessions that were killed."""
    temporary = _temporary()
    with (temporary / f"{PREFIX}sweep.lock").open("w") as sweep:
        fcntl.flock(sweep, fcntl.LOCK_EX)
        for old in temporary.glob(f"{PREFIX}*/lock"):
            _remove_unless_held(old)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary))
        folder.chmod(0o711)
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder, lock


def _temporary() -> Path:
    """A file system in memory where there is room, else the usual temporary folder (or the one that TMPDIR names)."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED_BYTES
    return MEMORY if roomy and "TMPDIR" not in os.environ else Path(tempfile.gettempdir())


def _remove_unless_held(lock: Path) -> None:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(lock.parent)
