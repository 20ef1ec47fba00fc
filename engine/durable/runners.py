"""What a deployment offers to the tools that run programs of others, or talk to them. Programs are off until an operator says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from engine.kit.values import value

MIB = 1024 * 1024


@value(frozen=True, slots=True)
class DockerPolicy:
    """A container engine for `tools.docker.*`, and how much of it one container may have. ``url`` '' offers none.

    ``installation`` tells our containers from those of others on the same engine. ``allow_pull`` lets images be fetched from registries,
    ``allow_outside`` lets networks lead out of the machine.
    """

    url: str = ""
    installation: str = "highway"
    allow_pull: bool = False
    allow_outside: bool = False
    max_memory_bytes: int = 2048 * MIB
    max_cpus: float = 2.0
    max_processes: int = 512
    max_seconds: float = 6 * 3600.0


@value(frozen=True, slots=True)
class McpServer:
    """An MCP server that a deployment names. Either ``url`` (streamable HTTP), or ``module``: run in the sandbox and spoken to over stdio.

    ``folders`` are what the module and all that it imports are found in; ``allow_internal`` opens inner addresses to that one URL.
    """

    url: str = ""
    module: str = ""
    folders: tuple[str, ...] = ()
    allow_internal: bool = False


@value(frozen=True, slots=True)
class McpPolicy:
    """Servers by their names. ``allow_urls``: workflows may name others by URL, under the rules of `tools.http.request`."""

    servers: Mapping[str, McpServer] = field(default_factory=dict)
    allow_urls: bool = True
    max_message_bytes: int = 8 * MIB


@value(frozen=True, slots=True)
class DatashardPolicy:
    """A folder for the tables of `tools.datashard.append`, each tenant's below its own; '' offers none."""

    folder: str = ""


@value(frozen=True, slots=True)
class RunnerSettings:
    """Everything of this kind that a worker has."""

    docker: DockerPolicy = field(default_factory=DockerPolicy)
    mcp: McpPolicy = field(default_factory=McpPolicy)
    datashard: DatashardPolicy = field(default_factory=DatashardPolicy)
