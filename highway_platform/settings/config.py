"""Reads config.ini: typed, complete, and without hidden defaults. What is not set is None.

The file is named by HIGHWAY_CONFIG; without it /etc/highway/config.ini is read if it exists. An environment variable wins
over the file. Unknown sections and keys are errors, so that a typing mistake cannot go unseen. Secrets do not belong in
the file: a database password comes from libpq's password file, the secret key from a file of its own.
"""

from __future__ import annotations

import configparser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

DEFAULT_PATH = Path("/etc/highway/config.ini")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _flag(text: str) -> bool:
    try:
        return configparser.ConfigParser.BOOLEAN_STATES[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither yes nor no") from None


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``name = value`` in each line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [tuple(part.strip() for part in line.split("=", 1)) for line in lines]
    for line, pair in zip(lines, pairs, strict=True):
        if len(pair) != 2 or not all(pair):
            raise ValueError(f"{line!r} is not of the form name = value")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _setting(env: str, read: Callable[[str], Any] = str) -> Any:
    """A field that is None until the variable ``env`` or the file sets it."""
    return field(default=None, metadata={"env": env, "read": read})


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator may set. The name of a key in the file is the name here without its section."""

    # ruff: noqa: RUF009 - `_setting` is `field` with our metadata
    database_url: str | None = _setting("HIGHWAY_DATABASE_URL")
    database_migrate_url: str | None = _setting("HIGHWAY_MIGRATE_DATABASE_URL")
    database_worker_url: str | None = _setting("HIGHWAY_WORKER_DATABASE_URL")
    database_pool_size: int | None = _setting("HIGHWAY_DATABASE_POOL_SIZE", int)
    database_pooler_keeps_sessions: bool | None = _setting("HIGHWAY_DATABASE_POOLER_KEEPS_SESSIONS", _flag)
    web_hosts: tuple[str, ...] | None = _setting("HIGHWAY_HOSTS", _words)
    web_trusted_origins: tuple[str, ...] | None = _setting("HIGHWAY_TRUSTED_ORIGINS", _words)
    web_secret_key_file: Path | None = _setting("HIGHWAY_SECRET_KEY_FILE", Path)
    web_max_body_bytes: int | None = _setting("HIGHWAY_MAX_BODY_BYTES", int)
    web_behind_tls_proxy: bool | None = _setting("HIGHWAY_BEHIND_TLS_PROXY", _flag)
    worker_queues: tuple[str, ...] | None = _setting("HIGHWAY_QUEUES", _words)
    worker_slots: int | None = _setting("HIGHWAY_SLOTS", int)
    docker_url: str | None = _setting("HIGHWAY_DOCKER_URL")
    docker_installation: str | None = _setting("HIGHWAY_DOCKER_INSTALLATION")
    docker_allow_pull: bool | None = _setting("HIGHWAY_DOCKER_ALLOW_PULL", _flag)
    docker_allow_outside: bool | None = _setting("HIGHWAY_DOCKER_ALLOW_OUTSIDE", _flag)
    docker_max_memory_mb: int | None = _setting("HIGHWAY_DOCKER_MAX_MEMORY_MB", int)
    docker_max_cpus: float | None = _setting("HIGHWAY_DOCKER_MAX_CPUS", float)
    mcp_servers: tuple[tuple[str, str], ...] | None = _setting("HIGHWAY_MCP_SERVERS", _pairs)
    mcp_allow_urls: bool | None = _setting("HIGHWAY_MCP_ALLOW_URLS", _flag)
    datashard_folder: Path | None = _setting("HIGHWAY_DATASHARD_FOLDER", Path)
    paths_home: Path | None = _setting("HIGHWAY_HOME", Path)
    paths_services: Path | None = _setting("HIGHWAY_SERVICES", Path)


def read_config(environ: Mapping[str, str]) -> Config:
    """The configuration of this process. Raises ImproperlyConfigured with one clear line when something cannot be read."""
    texts = _texts_of_file(_path_of_file(environ))
    texts.update(
        {item.name: environ[item.metadata["env"]] for item in fields(Config) if environ.get(item.metadata["env"])}
    )
    return Config(**{name: _typed(name, text) for name, text in texts.items()})


def _path_of_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("HIGHWAY_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ImproperlyConfigured(f"HIGHWAY_CONFIG names {named}, which is not a file")
        return Path(named)
    return DEFAULT_PATH if DEFAULT_PATH.is_file() else None


def _texts_of_file(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, OSError) as error:
        raise ImproperlyConfigured(f"{path}: {error}") from error
    known = {item.name for item in fields(Config)}
    texts = {f"{section}_{key}": text for section in parser.sections() for key, text in parser[section].items()}
    unknown = sorted(set(texts) - known)
    if unknown:
        raise ImproperlyConfigured(
            f"{path}: unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    return {name: text for name, text in texts.items() if text.strip()}


def _typed(name: str, text: str) -> Any:
    read = next(item.metadata["read"] for item in fields(Config) if item.name == name)
    try:
        return read(text.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"setting {name}: {error}") from error
