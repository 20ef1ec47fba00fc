"""How to reach the server: port and passwords, kept in one file that only we can read."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HOST = "127.0.0.1"
SUPERUSER = "postgres"
LOGIN_ROLES = ("app_migrate", "app_web", "app_worker")


@dataclass(frozen=True, slots=True)
class Server:
    """The address of one server of ours and the password of each role."""

    port: int
    passwords: dict[str, str]

    def url(self, role: str, database: str) -> str:
        """A connection URL."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.port}/{database}"


def load_or_create(path: Path) -> Server:
    """The server's address as remembered in ``path``; a new one with fresh passwords when there is none."""
    try:
        return Server(**json.loads(path.read_text()))
    except FileNotFoundError:
        passwords = {role: secrets.token_hex(24) for role in (SUPERUSER, *LOGIN_ROLES)}
        server = Server(port=free_port(), passwords=passwords)
        save(server, path)
        return server


def with_usable_port(server: Server, path: Path) -> Server:
    """``server`` on the port it had, or on another one when somebody else took that."""
    if is_free(server.port):
        return server
    moved = replace(server, port=free_port())
    save(moved, path)
    return moved


def save(server: Server, path: Path) -> None:
    """Write ``path`` in one step, mode 0600."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(server), file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether we could listen on ``port`` of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
