"""Image, compose file, units and example configuration stay in step with the code, also where no container engine is at hand (see test_image.py)."""

from __future__ import annotations

import configparser
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from launch.commands import CHECKOUT, manage

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
UNITS = sorted((CHECKOUT / "deploy" / "systemd").glob("*.service"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def management_commands() -> set[str]:
    done = subprocess.run(manage("help", "--commands"), cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def copied_paths() -> Iterator[str]:
    """What the image takes from the checkout."""
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        yield from line.split()[:-1]


def management_words(text: str) -> set[str]:
    return set(re.findall(r"manage\.py\"?,? \"?([a-z_]+)", text))


def test_the_image_copies_what_exists() -> None:
    missing = [path for path in copied_paths() if not (CHECKOUT / path).exists()]
    assert not missing


def test_the_image_holds_every_package_that_the_platform_imports() -> None:
    packages = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"tests", "launch", "bench"}
    assert packages <= set(copied_paths())


def test_what_the_image_copies_is_not_kept_from_it() -> None:
    allowed = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied_paths()) == allowed


def test_the_image_runs_a_python_that_we_support_and_not_as_root() -> None:
    required = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (CHECKOUT / "pyproject.toml").read_text())
    assert required is not None
    minors = {int(minor) for minor in re.findall(r"FROM python:3\.(\d+)-slim", DOCKERFILE)}
    assert minors == {int(required[2]) - 1}
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.M)
    assert "HEALTHCHECK" in DOCKERFILE
    assert "bubblewrap" in DOCKERFILE


def test_every_command_that_a_container_or_a_unit_runs_exists(management_commands: set[str]) -> None:
    named = management_words(DOCKERFILE) | management_words((CHECKOUT / "compose.yaml").read_text())
    for unit in UNITS:
        named |= management_words(unit.read_text())
    assert named >= {"migrate", "bootstrap", "runworker", "collectstatic"}
    assert named <= management_commands


def test_compose_starts_web_four_workers_and_postgresql(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"postgres", "setup", "web", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 4
    assert services["postgres"]["image"] == "postgres:18"
    assert "privileged" not in str(services)
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (CHECKOUT / source).exists(), volume


def test_only_the_set_up_may_change_the_schema(compose: dict[str, Any]) -> None:
    migrating = [
        name
        for name, service in compose["services"].items()
        if "HIGHWAY_MIGRATE_DATABASE_URL" in service["environment"]
    ]
    assert migrating == ["setup"]


def test_compose_asks_for_nothing_that_make_env_does_not_write(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "make-env"
    script.write_text((CHECKOUT / "deploy" / "make-env").read_text())
    subprocess.run(["sh", script, "highway.example.org"], check=True, capture_output=True)
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    asked = set(re.findall(r"\$\{(\w+):?", (CHECKOUT / "compose.yaml").read_text()))
    assert asked == set(written)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    # Not a secret of another kind: Compose cannot copy those into containers that are read-only.
    key = tmp_path / compose["secrets"]["secret_key"]["file"]
    assert len(key.read_text()) >= 50
    assert key.stat().st_mode & 0o777 == 0o444  # the container's user has to read it
    assert key.parent.stat().st_mode & 0o777 == 0o700  # and nobody else
    again = subprocess.run(["sh", script, "highway.example.org"], check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_variables_and_example_configuration_are_the_settings(compose: dict[str, Any], tmp_path: Path) -> None:
    from highway_platform.settings.config import Config, read_config

    fields = {name: field.metadata for name, field in Config.__dataclass_fields__.items()}
    known = {metadata["env"] for metadata in fields.values()}
    for service in ("setup", "web", "worker"):
        assert set(compose["services"][service]["environment"]) <= known
    example = (CHECKOUT / "deploy" / "config.ini.example").read_text()
    everything = tmp_path / "config.ini"
    everything.write_text(re.sub(r"^#(\w+ =)", r"\1", example, flags=re.M))
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(everything)
    assert {f"{section}_{key}" for section in parser.sections() for key in parser[section]} == set(fields)
    assert read_config({"HIGHWAY_CONFIG": str(everything)})
    for metadata in fields.values():
        assert f"# {metadata['env']}:" in example


def test_the_postgres_set_up_of_the_container_makes_what_the_launcher_makes(tmp_path: Path) -> None:
    script = (CHECKOUT / "deploy" / "container" / "postgres-init.sh").read_text()
    for statement in (
        "CREATE DATABASE highway OWNER highway_owner",
        "REVOKE ALL ON DATABASE highway FROM PUBLIC",
        "roles.sql",
    ):
        assert statement in script
    subprocess.run(["sh", "-n", CHECKOUT / "deploy" / "container" / "postgres-init.sh"], check=True)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_parse_and_stop_politely(unit: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(unit)
    assert parser["Service"]["User"] == "highway"
    assert parser["Service"]["KillMode"] == "mixed"
    assert "/opt/highway/venv/bin/" in parser["Service"]["ExecStart"]
