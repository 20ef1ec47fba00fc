"""config.ini: typed, complete, without hidden defaults."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from engine.durable.runners import McpServer, RunnerSettings
from highway_platform.runners import runner_settings
from highway_platform.settings.config import Config, read_config
from highway_platform.settings.database import database_settings
from highway_platform.settings.secret_key import read_or_make_secret_key, read_secret_key


def config(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "config.ini"
    path.write_text(text)
    return read_config({"HIGHWAY_CONFIG": str(path), **environ})


def test_what_is_not_set_is_none() -> None:
    assert read_config({}) == Config()
    assert set(map(type, (getattr(Config(), name) for name in Config.__slots__))) == {type(None)}


def test_values_are_typed_and_the_environment_wins(tmp_path: Path) -> None:
    text = "[web]\nhosts = a.example, b.example\nmax_body_bytes = 1000\nbehind_tls_proxy = yes\n[worker]\nslots = 4\n"
    found = config(tmp_path, text, HIGHWAY_SLOTS="9")
    assert found.web_hosts == ("a.example", "b.example")
    assert (found.web_max_body_bytes, found.web_behind_tls_proxy, found.worker_slots) == (1000, True, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[web]\nhsots = a", "unknown setting web_hsots"),
        ("[wbe]\nhosts = a", "unknown setting wbe_hosts"),
        ("[worker]\nslots = many", "worker_slots"),
        ("[web]\nbehind_tls_proxy = perhaps", "neither yes nor no"),
        ("hosts = a", "config.ini"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        config(tmp_path, text)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="not a file"):
        read_config({"HIGHWAY_CONFIG": str(tmp_path / "none")})


def test_a_database_url_is_read_with_its_escapes() -> None:
    found = database_settings("postgresql://a%40b:p%2Fw@db:6000/the%20base?sslmode=require", role="owner", pool_size=3)
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "a@b",
        "p/w",
        "db",
        "6000",
        "the base",
    )
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["options"] == "-c role=owner"
    assert found["CONN_MAX_AGE"] == 0
    with pytest.raises(ImproperlyConfigured):
        database_settings("mysql://db")


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    assert read_or_make_secret_key(path) == read_or_make_secret_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["key"]
    path.write_text("short")
    with pytest.raises(ImproperlyConfigured, match="fewer"):
        read_secret_key(path)


def test_what_tools_may_run_is_read_from_the_configuration(tmp_path: Path) -> None:
    text = """
[docker]
url = unix:///run/docker.sock
max_memory_mb = 64
[mcp]
servers =
    notes = https://notes.example.org/mcp
    inner = http://10.0.0.7/mcp internal
    sums = sums_server @ /srv/a:/srv/b
"""
    found = runner_settings(config(tmp_path, text))
    assert (found.docker.url, found.docker.max_memory_bytes, found.docker.allow_pull) == (
        "unix:///run/docker.sock",
        64 * 1024 * 1024,
        False,
    )
    assert found.mcp.servers == {
        "notes": McpServer(url="https://notes.example.org/mcp"),
        "inner": McpServer(url="http://10.0.0.7/mcp", allow_internal=True),
        "sums": McpServer(module="sums_server", folders=("/srv/a", "/srv/b")),
    }
    assert runner_settings(Config()) == RunnerSettings()


@pytest.mark.parametrize("target", ["sums_server", "http://a.example inside", "@ /srv"])
def test_a_server_that_cannot_be_read_is_named(tmp_path: Path, target: str) -> None:
    with pytest.raises(ValueError, match="MCP server sums"):
        runner_settings(config(tmp_path, f"[mcp]\nservers = sums = {target}\n"))


def test_installations_on_one_engine_are_told_apart_by_their_database_and_not_by_its_password() -> None:
    def name(url: str) -> str:
        return runner_settings(Config(database_worker_url=url)).docker.installation

    first = name("postgresql://app_worker:old@db/one")
    assert first == name("postgresql://app_worker:new@db/one") != name("postgresql://app_worker:old@db/two")
    assert (
        runner_settings(
            Config(database_worker_url="postgresql://db/one", docker_installation="own")
        ).docker.installation
        == "own"
    )
