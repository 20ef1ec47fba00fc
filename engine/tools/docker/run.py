"""`tools.docker.run`: one container from its start to its end, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from engine.durable.cancellation import Cancellation
from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.tools.docker.engine import engine, labels, marked
from engine.tools.docker.limits import ContainerInput, PlainName, container_options
from engine.tools.docker.networks import own_network
from engine.tools.docker.removal import containers_of, end_container
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.results import storable_text

if TYPE_CHECKING:
    from docker import DockerClient

STORED_BYTES = 480 * 1024
DEFAULT_SECONDS = 300.0
END_SECONDS = 30
_ERROR_LINES = 10
_ERROR_CHARACTERS = 2_000


class RunInput(ContainerInput):
    """One container. ``network`` is one that `tools.docker.create_network` has made; without it the container has none.

    ``timeout_seconds`` (also ``timeout``) kills it. There is no way to keep it, and none to mount anything of the worker's machine.
    """

    network: PlainName | None = None
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    check: bool = True


class RunOutput(BaseModel):
    """What a container left: its output, each stream cut at 480 KiB with a note, and its exit code."""

    container_id: str
    stdout: str
    stderr: str
    exit_code: int


def run(ctx: ToolContext, given: RunInput) -> Json:
    """Run a container to its end. Returns ``{"container_id", "stdout", "stderr", "exit_code"}``; another exit code than 0 fails the step unless
    ``check`` is false.

    Without network, capabilities and new privileges, as nobody, on a read-only root file system with a work space at `/tmp`, within its limits.
    It is removed whatever happens: at its end, at a timeout or a cancel, and by the next worker when this one dies.
    """
    seconds = ctx.bounded(given.timeout_seconds or given.timeout or DEFAULT_SECONDS)
    policy = ctx.runners.docker
    if seconds > policy.max_seconds:
        raise ToolInputError(f"tools.docker.run: timeout_seconds: {seconds:g} is more than {policy.max_seconds:g}")
    with engine(ctx) as client:
        network = own_network(client, ctx, given.network) if given.network else "none"
        options = container_options(given, policy) | {"network": network, "labels": labels(ctx, kind="step")}
        _clear_earlier_attempts(client, ctx)
        fetch(client, ctx, given.image)
        container = client.containers.create(**options, log_config={"type": "none"}, stdin_open=False)
        try:
            return _watched(ctx, container, given, seconds)
        finally:
            with contextlib.suppress(Exception):  # what is left, its worker's successor removes
                end_container(container)


def fetch(client: DockerClient, ctx: ToolContext, image: str) -> None:
    """Make sure that the image is there: fetched only where the operator allows it."""
    import docker.errors  # noqa: PLC0415 - see engine.py

    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        if not ctx.runners.docker.allow_pull:
            raise
        client.images.pull(image)


def _clear_earlier_attempts(client: DockerClient, ctx: ToolContext) -> None:
    """An attempt whose worker died may still be at work: there is one of a step at a time."""
    earlier = marked(ctx, run=str(ctx.workflow_run_id), step=ctx.qualified_step, kind="step")
    for container in containers_of(client, earlier):
        end_container(container)


@dataclass(slots=True)
class _Stream:
    """What was kept of one stream, and how much came beyond it."""

    kept: bytearray = field(default_factory=bytearray)
    dropped_bytes: int = 0

    def take(self, chunk: bytes | None) -> None:
        if chunk:
            room = STORED_BYTES - len(self.kept)
            self.kept += chunk[:room]
            self.dropped_bytes += max(0, len(chunk) - room)

    def text(self) -> str:
        return storable_text(self.kept.decode(errors="replace"), STORED_BYTES, self.dropped_bytes)


class _Deadline:
    """Kills the container when its time is up or nobody wants it any more, from a thread of its own."""

    def __init__(self, ctx: ToolContext, container: Any, seconds: float) -> None:
        self.outcome = ""
        self._ctx = ctx
        self._container = container
        self._seconds = seconds
        self._over = Cancellation()
        ctx.cancelled.on_set(self._over.set)
        self._thread = threading.Thread(target=self._watch, name="container", daemon=True)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.outcome = self.outcome or ("cancelled" if self._ctx.is_cancelled else "ended")
            self._over.set()
            self._thread.join()

    def _watch(self) -> None:
        was_set = self._over.wait(self._seconds)
        if self.outcome:
            return  # it ended by itself
        self.outcome = "cancelled" if was_set else "timeout"
        with contextlib.suppress(Exception):  # it may have ended this moment; it is removed in any case
            self._container.kill()


def _watched(ctx: ToolContext, container: Any, given: RunInput, seconds: float) -> Json:
    out, err = _Stream(), _Stream()
    # Attached before it starts, so that not a word is missed although the engine keeps no log.
    stream = container.attach(stdout=True, stderr=True, stream=True, demux=True)
    deadline = _Deadline(ctx, container, seconds)
    with deadline.watching():
        container.start()
        for chunk, problem in stream:
            out.take(chunk)
            err.take(problem)
        code = int(container.wait(timeout=seconds + END_SECONDS)["StatusCode"])
    result: JsonObject = {
        "container_id": str(container.id),
        "stdout": out.text(),
        "stderr": err.text(),
        "exit_code": code,
    }
    if deadline.outcome == "cancelled":
        raise ToolCancelled
    if deadline.outcome == "timeout":
        raise ToolTimeout(f"the container ran longer than {seconds:g} seconds and was killed", data=result)
    if given.check and code != 0:
        raise ToolError(_failure(container, result), type="ExitCode", data=result)
    return result


def _failure(container: Any, result: JsonObject) -> str:
    container.reload()
    if container.attrs["State"].get("OOMKilled"):
        return "the container used more than its memory and was killed"
    said = str(result["stderr"]).strip() or str(result["stdout"]).strip()
    lines = "\n".join(said.splitlines()[-_ERROR_LINES:])[-_ERROR_CHARACTERS:]
    return f"exit code {result['exit_code']}" + (f": {lines}" if lines else "")
