"""What the engine needs from outside, as protocols. `highway_platform.wiring` fills them; the engine never imports who does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Bounds of one sandboxed program. Times in seconds, sizes in bytes."""

    wall_seconds: float = 30.0
    cpu_seconds: int = 30
    memory_bytes: int = 512 * 1024 * 1024
    output_bytes: int = 1024 * 1024
    file_bytes: int = 16 * 1024 * 1024
    processes: int = 32


@dataclass(frozen=True, slots=True)
class SandboxJob:
    """A Python program to run without network, secrets or our environment.

    ``files`` are placed read-only beside it; ``modules`` are top-level modules of our own environment that it may import. ``folders`` of this machine
    stand read-only at ``/opt/folders/0``, ``/opt/folders/1`` and so on: an operator names them, never a tenant. ``channel`` is the
    program's end of a socket on which it may talk to us: it finds the number of the file descriptor in ``HIGHWAY_CHANNEL``.
    """

    program: str
    stdin: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    limits: SandboxLimits = SandboxLimits()
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What the program left. ``killed`` is "" or names the bound that ended it: wall, cpu, memory, output, cancelled."""

    returncode: int
    stdout: str
    stderr: str
    killed: str = ""


class Cancelled(Protocol):
    """Tells a running tool that its result is no longer wanted; callbacks run at once, from another thread."""

    def is_set(self) -> bool: ...
    def on_set(self, callback: Callable[[], None]) -> None: ...


class Sandbox(Protocol):
    """Runs untrusted programs. Promise: nothing of the program survives the call, whatever it did."""

    def run(
        self, job: SandboxJob, cancelled: Cancelled | None = None, note: Callable[[int], None] | None = None
    ) -> SandboxResult:
        """Run to the end. ``note`` is told the number of the process that everything it starts belongs to."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A payload of a tenant under the SHA-256 of its content."""

    tenant_id: UUID
    sha256: str
    content: bytes


class BlobStore(Protocol):
    """Where payloads stand that are too large for their rows. Promise: what was put is there until nothing refers to it."""

    def put(self, blobs: Sequence[Blob]) -> None:
        """Store payloads; what is there already is left as it is."""

    def get(self, keys: Collection[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], bytes]:
        """The contents by (tenant, hash); what is not there is left out."""


@dataclass(frozen=True, slots=True)
class Code:
    """Code that a tenant has stored: a zip file to import from, its hash, and its version where it is a module's."""

    sha256: str
    version: int | None
    content: bytes


class CodeStore(Protocol):
    """The code of tenants. Promise: a run that has asked for something gets the same code whenever it asks again. None: there is no such code."""

    def artifact(self, tenant_id: UUID, workflow_run_id: UUID, sha256: str) -> Code | None:
        """A zip file by its hash."""

    def module(self, tenant_id: UUID, workflow_run_id: UUID, name: str, version: int | None) -> Code | None:
        """A stored module; without a version the one that was the newest when the run was made."""


class Transaction(Protocol):
    """Database work of a transactional tool; commits together with the step's checkpoint, or not at all."""

    def counter_add(self, name: str, delta: int) -> int:
        """Add to a counter of this tenant; returns the new value. Unknown counters start at 0."""

    def counter_get(self, name: str) -> int:
        """The counter's value; 0 when unknown."""

    def counter_reset(self, name: str, value: int = 0) -> int:
        """Set a counter; returns the value it had."""
