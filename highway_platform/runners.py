"""What an operator offers to the tools that run programs or talk to servers, made of the configuration."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from engine.durable.runners import MIB, DatashardPolicy, DockerPolicy, McpPolicy, McpServer, RunnerSettings
from highway_platform.settings.config import Config


def runner_settings(config: Config) -> RunnerSettings:
    """Everything of this kind. What is not set keeps the engine's own default. Raises ValueError for a server that cannot be read."""
    folder = config.datashard_folder
    shards = DatashardPolicy(folder=str(folder) if folder else "")
    return RunnerSettings(docker=_docker(config), mcp=_mcp(config), datashard=shards)


def _docker(config: Config) -> DockerPolicy:
    memory = config.docker_max_memory_mb
    return DockerPolicy(
        **_set(
            url=config.docker_url,
            installation=config.docker_installation or _place_of(config.database_worker_url),
            allow_pull=config.docker_allow_pull,
            allow_outside=config.docker_allow_outside,
            max_memory_bytes=None if memory is None else memory * MIB,
            max_cpus=config.docker_max_cpus,
        )
    )


def _place_of(url: str | None) -> str | None:
    """A name made of where the database is: two installations on one engine must not take each other's containers for their own."""
    if not url:
        return None
    parts = urlsplit(url)
    return hashlib.sha256(f"{parts.hostname}:{parts.port}{parts.path}?{parts.query}".encode()).hexdigest()[:12]


def _mcp(config: Config) -> McpPolicy:
    servers = {name: _server(name, text) for name, text in config.mcp_servers or ()}
    return McpPolicy(**_set(servers=servers, allow_urls=config.mcp_allow_urls))


def _server(name: str, text: str) -> McpServer:
    """``https://...``, ``http://10.0.0.7/mcp internal``, or ``module @ folder:folder``."""
    if text.startswith(("http://", "https://")):
        url, _, word = text.partition(" ")
        if word.strip() not in ("", "internal"):
            raise ValueError(f"MCP server {name}: {word.strip()!r} is not understood behind its address")
        return McpServer(url=url, allow_internal=bool(word.strip()))
    module, mark, folders = (part.strip() for part in text.partition("@"))
    if not mark or not module or not folders:
        raise ValueError(f"MCP server {name}: give an address, or module @ folder:folder")
    return McpServer(module=module, folders=tuple(folders.split(":")))


def _set(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
