"""Networks between containers of one tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.docker.engine import engine, labels, marked, own_name, plain_name
from engine.tools.docker.limits import PlainName
from engine.tools.docker.removal import drop_network
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput

if TYPE_CHECKING:
    from docker import DockerClient


class CreateNetworkInput(ToolInput):
    """A name within the tenant, made up where there is none. A network that is not ``internal`` leads out of the machine, where that is allowed."""

    name: PlainName | None = None
    internal: bool = True


class RemoveNetworkInput(ToolInput):
    """A network, by the name that `tools.docker.create_network` gave."""

    name: PlainName


class NetworkOutput(BaseModel):
    """A network: ``name`` is what other steps call it by."""

    name: str
    id: str
    internal: bool


class RemoveNetworkOutput(BaseModel):
    """Whether there was such a network."""

    name: str
    removed: bool


def create_network(ctx: ToolContext, given: CreateNetworkInput) -> Json:
    """Make a network for containers of this tenant, or find it made. Returns ``{"name", "id", "internal"}``.

    It is there until `tools.docker.remove_network`, or until the run that made it is over and nothing is in it any more.
    """
    check_outside(ctx, given.internal)
    name = given.name or plain_name(ctx)
    with engine(ctx) as client:
        network = make_network(client, ctx, name, internal=given.internal, kind="network")
    return {"name": name, "id": network, "internal": given.internal}


def remove_network(ctx: ToolContext, given: RemoveNetworkInput) -> Json:
    """Remove a network of this tenant; one that is not there is no failure. Returns ``{"name", "removed"}``."""
    with engine(ctx) as client:
        found = _found(client, ctx, given.name)
        for network in found:
            drop_network(network)
    return {"name": given.name, "removed": bool(found)}


def check_outside(ctx: ToolContext, internal: bool) -> None:
    """Refuse a way out of the machine where the operator has not opened one."""
    if not internal and not ctx.runners.docker.allow_outside:
        message = "networks that lead out of the machine are not allowed on this worker: give internal: true"
        raise ToolError(message, type="NetworkRefused", retryable=False)


def make_network(client: DockerClient, ctx: ToolContext, name: str, *, internal: bool, kind: str) -> str:
    """The engine's id of the tenant's network of that name, made where it is missing."""
    for network in _found(client, ctx, name):
        if bool(network.attrs["Internal"]) != internal:
            raise ToolError(f"there is a network {name} of the other kind", type="NetworkExists", retryable=False)
        return str(network.id)
    marks = labels(ctx, kind=kind, name=name)
    made = client.networks.create(own_name(ctx.tenant_id, name), driver="bridge", internal=internal, labels=marks)
    return str(made.id)


def own_network(client: DockerClient, ctx: ToolContext, name: str) -> str:
    """The engine's id of a network of this tenant. Raises `ToolError` for every other."""
    found = _found(client, ctx, name)
    if not found:
        raise ToolError(f"there is no network {name}", type="NoNetwork", retryable=False)
    return str(found[0].id)


def _found(client: DockerClient, ctx: ToolContext, name: str) -> list[Any]:
    return list(client.networks.list(filters=marked(ctx, name=name)))
