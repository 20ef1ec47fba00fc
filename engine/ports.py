"""What the engine needs from outside, as protocols. `highway_platform.wiring` fills them; the engine never imports who does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

from engine.model.json import Json


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


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """A server of language models that the deployment has named.

    ``base_url`` is what the dialect's own paths are added to: of OpenAI's that ends with ``/v1``. ``credential`` gives the key at the moment of a
    call, so that a key that was changed is taken up. ``tenants`` and ``models`` bound who may use what; None: all. ``length_field`` is how
    OpenAI's dialect is told the most that a model may say: servers of newer models know the second name only.
    """

    kind: Literal["openai", "ollama"]
    base_url: str
    credential: Callable[[], str] | None = None
    tenants: frozenset[UUID] | None = None
    models: frozenset[str] | None = None
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and in whose name. ``security`` "none" is for servers on the same machine; ``ca_file`` names who is trusted besides."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    credential: Callable[[], str] | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One statement for a database of the deployment, with what bounds it. ``parameters`` are bound by the server, never written into the text."""

    database: str
    sql: str
    parameters: Sequence[Json] | Mapping[str, Json] | None
    write: bool
    seconds: float
    max_rows: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """What a statement gave: names of columns, each once, rows of JSON values, how many rows it gave or changed, and whether more were left behind."""

    columns: list[str]
    rows: list[list[Json]]
    row_count: int
    truncated: bool


class QuestionRefusedError(Exception):
    """The database did not answer. ``retryable``: for a reason that passes. ``type`` is a name for machines."""

    def __init__(self, message: str, *, type: str, retryable: bool) -> None:  # noqa: A002 - the word of StepError
        super().__init__(message)
        self.type = type
        self.retryable = retryable


class Databases(Protocol):
    """Databases that the deployment lends to workflows, by name."""

    def names(self, tenant_id: UUID) -> Collection[str]:
        """Those that this tenant may ask."""

    def ask(self, question: Question, cancelled: Cancelled) -> Table:
        """Ask one that the tenant may ask. Raises `QuestionRefusedError`."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the deployment lends to tools. A workflow names what it uses; where that is and with which key is never its to say."""

    models: Mapping[str, ModelProvider] = field(default_factory=dict)
    mail: MailServer | None = None
    databases: Databases | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that was found: its place in it, from 0, and how near it is: the cosine, 1 for the same."""

    document_id: str
    position: int
    content: str
    metadata: Json
    score: float


class Library(Protocol):
    """A tenant's documents by meaning. Vectors have length one; ``model`` says whose they are, and only those of one model are compared."""

    def cached(self, model: str, digests: Sequence[str]) -> Mapping[str, list[float]]:
        """Embeddings of texts by their SHA-256; what is not known, or is too old, is left out."""

    def cache(self, model: str, embeddings: Mapping[str, list[float]], keep_seconds: float) -> None:
        """Keep embeddings for a time."""

    def index(
        self, collection: str, document_id: str, model: str, metadata: Json, passages: Sequence[tuple[str, list[float]]]
    ) -> int:
        """Put a document in the place of what it was; how many passages the collection has. Raises `QuestionRefusedError` when it is full."""

    def forget(self, collection: str, document_id: str | None) -> int:
        """Forget a document, or all; how many passages that were."""

    def nearest(
        self, collection: str, model: str, embedding: Sequence[float], *, least: float, quantity: int
    ) -> list[Passage]:
        """The passages nearest to a vector, the nearest first."""
