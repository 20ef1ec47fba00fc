"""`tools.docker.compose_up` and `compose_down`: small stacks of containers on a network of their own, through the engine's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, model_validator

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.docker.engine import engine, labels, marked, own_name, plain_name
from engine.tools.docker.health import wait_until_up
from engine.tools.docker.limits import PlainName, container_options
from engine.tools.docker.networks import make_network
from engine.tools.docker.removal import containers_of, drop_network, end_container
from engine.tools.docker.run import fetch
from engine.tools.docker.services import Service, in_order
from engine.tools.errors import ToolCancelled, ToolError
from engine.tools.spec import ToolInput

if TYPE_CHECKING:
    from docker import DockerClient

_LOG = {"type": "json-file", "config": {"max-size": "1m", "max-file": "2"}}  # a full disk would be everybody's
Count = Annotated[int, Field(ge=1, le=20)]


class Stack(BaseModel):
    """The part of a compose file that is understood. Ports, volumes, builds and files of the worker's machine are not, and are refused."""

    model_config = {"extra": "forbid"}

    services: Annotated[dict[PlainName, Service], Field(min_length=1, max_length=20)]
    version: str | None = None
    name: str | None = None


class ComposeUpInput(ToolInput):
    """A stack, its name within the tenant (made up where there is none), how many containers a service has, and how long to wait for all to be up."""

    compose_config: Stack
    project_name: PlainName | None = None
    wait: bool = True
    wait_timeout: Annotated[float, Field(gt=0, le=3_600)] = 120.0
    scale: dict[str, Count] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _scales_what_there_is(self) -> ComposeUpInput:
        unknown = sorted(self.scale.keys() - self.compose_config.services.keys())
        if unknown:
            raise ValueError(f"scale: there is no service {unknown[0]}")
        return self


class ComposeDownInput(ToolInput):
    """A stack, by the name that `tools.docker.compose_up` gave. There are no volumes, so ``volumes`` changes nothing."""

    project_name: PlainName
    volumes: bool = False


class ComposeUpOutput(BaseModel):
    """A stack that is up; ``network`` is for `tools.docker.run`, where services are reached by their names."""

    project_name: str
    services_started: list[str]
    network: str


class ComposeDownOutput(BaseModel):
    """How many containers were removed."""

    project_name: str
    containers_removed: int


def compose_up(ctx: ToolContext, given: ComposeUpInput) -> Json:
    """Start a stack of containers that reach each other by the names of their services. Returns ``{"project_name", "services_started", "network"}``.

    Each is as closed in as one of `tools.docker.run`. What an earlier attempt has left of the stack is removed first; when something fails, all
    of it. It is there until `tools.docker.compose_down`, or until the run is over.
    """
    project = given.project_name or plain_name(ctx)
    with engine(ctx) as client:
        _remove(client, ctx, project, run=str(ctx.workflow_run_id))
        if _containers(client, ctx, project):
            raise ToolError(f"there is a stack {project} of another run", type="StackExists", retryable=False)
        try:
            started = _start(client, ctx, project, given)
            if given.wait:
                wait_until_up(ctx, started, ctx.bounded(given.wait_timeout))
        except BaseException:
            _remove(client, ctx, project, run=str(ctx.workflow_run_id))
            raise
    return {"project_name": project, "services_started": list(given.compose_config.services), "network": project}


def compose_down(ctx: ToolContext, given: ComposeDownInput) -> Json:
    """Remove a stack of this tenant; one that is not there is no failure. Returns ``{"project_name", "containers_removed"}``."""
    with engine(ctx) as client:
        return {"project_name": given.project_name, "containers_removed": _remove(client, ctx, given.project_name)}


def _start(client: DockerClient, ctx: ToolContext, project: str, given: ComposeUpInput) -> list[Any]:
    make_network(client, ctx, project, internal=True, kind="stack")
    network, started = own_name(ctx.tenant_id, project), []
    services = given.compose_config.services
    for name in in_order(services):
        for number in range(1, given.scale.get(name, 1) + 1):
            if ctx.is_cancelled:
                raise ToolCancelled
            started.append(_start_one(client, ctx, project, network, (name, services[name], number)))
    return started


def _start_one(
    client: DockerClient, ctx: ToolContext, project: str, network: str, which: tuple[str, Service, int]
) -> Any:
    name, service, number = which
    fetch(client, ctx, service.image)
    options = container_options(service, ctx.runners.docker)
    container = client.containers.create(
        **options,
        name=own_name(ctx.tenant_id, f"{project}-{name}-{number}"),
        hostname=name,
        healthcheck=service.healthcheck.for_engine() if service.healthcheck else None,
        labels=labels(ctx, kind="stack", project=project, service=name),
        log_config=_LOG,
        network=network,
        networking_config={network: client.api.create_endpoint_config(aliases=[name])},
    )
    container.start()
    return container


def _containers(client: DockerClient, ctx: ToolContext, project: str, **which: str) -> list[Any]:
    return containers_of(client, marked(ctx, kind="stack", project=project, **which))


def _remove(client: DockerClient, ctx: ToolContext, project: str, **which: str) -> int:
    containers = _containers(client, ctx, project, **which)
    for container in containers:
        end_container(container)
    for network in client.networks.list(filters=marked(ctx, kind="stack", name=project, **which)):
        drop_network(network)
    return len(containers)
