"""The container engine of this worker: how it is reached, how its errors read, and how things of a tenant are marked.

The Docker SDK is imported on first use: a worker that offers no containers starts as fast as without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.durable.runners import DockerPolicy
from engine.durable.tool_context import ToolContext
from engine.tools.errors import ToolError

if TYPE_CHECKING:
    from docker import DockerClient

PREFIX = "highway"
CALL_SECONDS = 60  # for one call of the engine; starting a container with a large image takes a while
_PROBLEM_CHARACTERS = 1_000


@contextmanager
def engine(ctx: ToolContext) -> Iterator[DockerClient]:
    """The engine for one call of a tool; its errors leave as those of tools."""
    policy = ctx.runners.docker
    if not policy.url:
        message = "this worker offers no containers: its operator has to set [docker] url"
        raise ToolError(message, type="NoContainers", retryable=False)
    with errors_told(), connected(policy) as client:
        yield client


@contextmanager
def connected(policy: DockerPolicy, seconds: float = CALL_SECONDS) -> Iterator[DockerClient]:
    """A client that is closed afterwards."""
    import docker  # noqa: PLC0415 - see above

    client = docker.DockerClient(base_url=policy.url, timeout=seconds)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def errors_told() -> Iterator[None]:
    """Errors of the engine as a step's: what it refuses is refused again, what it cannot do now may pass."""
    import docker.errors  # noqa: PLC0415
    import requests  # noqa: PLC0415 - what the SDK speaks with

    try:
        yield
    except docker.errors.ImageNotFound as error:
        message = f"{_said(error)}; images are not fetched unless the operator allows it"
        raise ToolError(message, type="NoImage", retryable=False) from error
    except docker.errors.APIError as error:
        raise ToolError(
            f"the container engine: {_said(error)}", type="Docker", retryable=not _is_final(error)
        ) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise ToolError(f"the container engine cannot be reached: {_said(error)}", type="DockerUnreachable") from error


def _is_final(error: Any) -> bool:
    status = getattr(error, "status_code", None)
    return status is not None and 400 <= status < 500


def _said(error: Any) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return str(text)[:_PROBLEM_CHARACTERS]


def labels(ctx: ToolContext, **more: str) -> dict[str, str]:
    """What is written on everything that a step makes: whose it is, and which worker answers for it."""
    own = {
        "installation": ctx.runners.docker.installation,
        "tenant": str(ctx.tenant_id),
        "run": str(ctx.workflow_run_id),
        "step": ctx.qualified_step,
        "attempt": str(ctx.attempt),
        "worker": ctx.worker_id,
        **more,
    }
    return {f"{PREFIX}.{name}": text for name, text in own.items()}


def marked(ctx: ToolContext, **wanted: str) -> dict[str, list[str]]:
    """A filter for things of this tenant with these marks."""
    own = {"installation": ctx.runners.docker.installation, "tenant": str(ctx.tenant_id), **wanted}
    return {"label": [f"{PREFIX}.{name}={text}" for name, text in own.items()]}


def own_name(tenant_id: UUID, name: str) -> str:
    """A name as the engine knows it: no two tenants can mean the same thing by the same word."""
    return f"{PREFIX}-{tenant_id.hex}-{name}"


def plain_name(ctx: ToolContext) -> str:
    """A name for what a step makes without naming it: the same over its attempts, another one in every other run."""
    word = "".join(letter if letter.isalnum() else "-" for letter in ctx.qualified_step.lower()).strip("-")
    return f"{ctx.workflow_run_id.hex[-12:]}-{word[:40] or 'step'}"
