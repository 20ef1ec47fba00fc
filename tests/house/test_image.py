"""The image, really built and run, where a container engine with the base image is at hand; elsewhere these tests say what is missing.

The containers get what compose.yaml gives them. They stand in the host's network, because the tests' PostgreSQL listens on loopback only.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from launch.commands import CHECKOUT
from launch.demo import GOLDEN
from launch.postgres.access import free_port
from tests.integration.api.client import Client
from tests.support.stack import Stack

IMAGE = "highway-platform-under-test"
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
[BASE] = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))
SERVICE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())["services"]["worker"]

pytestmark = pytest.mark.timeout(600)
Start = Callable[..., str]


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"docker {arguments} failed:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The image of this checkout."""
    try:
        found = docker("image", "inspect", BASE, check=False)
    except FileNotFoundError:
        pytest.skip("the image was not built: no docker on this machine")
    if found.returncode != 0:
        pytest.skip(f"the image was not built: {found.stderr.strip()}")
    docker("build", "--network=host", "--tag", IMAGE, ".")
    yield IMAGE
    docker("image", "rm", IMAGE, check=False)


def options(*, sandbox: bool = True) -> list[str]:
    """What compose.yaml says of every container of the platform."""
    return [
        "--network=host",
        "--init",
        "--read-only",
        *(f"--cap-drop={name}" for name in SERVICE["cap_drop"]),
        *(f"--tmpfs={place}" for place in SERVICE["tmpfs"]),
        *(f"--security-opt={name}" for name in (SERVICE["security_opt"] if sandbox else ["no-new-privileges"])),
    ]


@pytest.fixture
def start(image: str, stack: Stack, tmp_path: Path) -> Iterator[Start]:
    """Starts containers on the stack's database, and removes them."""
    started: list[str] = []
    key = tmp_path / "secret_key"
    key.write_text(uuid.uuid4().hex * 2)
    key.chmod(0o444)
    database = stack.database
    variables = {
        "HIGHWAY_DATABASE_URL": database.web,
        "HIGHWAY_WORKER_DATABASE_URL": database.worker,
        "HIGHWAY_HOSTS": "127.0.0.1",
        "HIGHWAY_BEHIND_TLS_PROXY": "yes",
        "HIGHWAY_SECRET_KEY_FILE": "/run/secrets/secret_key",
    }

    def run(*command: str, sandbox: bool = True) -> str:
        settings = [f"--env={name}={value}" for name, value in variables.items()]
        mount = f"--mount=type=bind,source={key},target=/run/secrets/secret_key,readonly"
        name = docker("run", "--detach", mount, *settings, *options(sandbox=sandbox), image, *command).stdout.strip()
        started.append(name)
        return name

    yield run
    for name in started:
        docker("rm", "--force", name, check=False)


def logs(container: str) -> str:
    done = docker("logs", container)
    return done.stdout + done.stderr


def state(container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", container).stdout)[0]["State"]
    return found


def wait_for(condition: Callable[[], bool], container: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, logs(container)
        time.sleep(0.1)


def answers(client: Client) -> bool:
    try:
        return client.get("/api/v1/ping").status == 200
    except OSError:
        return False


def test_web_and_worker_of_the_image_run_the_golden_workflow_and_drain(start: Start, stack: Stack) -> None:
    slug = f"t{uuid.uuid4().hex[:8]}"
    stack.manage("create_tenant", slug, "--name", "Of the image")
    key = stack.manage("create_api_key", slug).stdout.split()[-1]
    port = free_port()
    [command] = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)
    web = start(*json.loads(command.replace("0.0.0.0:8000", f"127.0.0.1:{port}")))
    worker = start("python", "manage.py", "runworker")
    client = Client(f"http://127.0.0.1:{port}", key, {"X-Forwarded-Proto": "https"})
    wait_for(lambda: answers(client), web)
    assert docker("exec", worker, "id", "-u").stdout.strip() == "10001"
    assert docker("exec", worker, "touch", "/opt/highway/app/written", check=False).returncode != 0

    source = (CHECKOUT / "tests" / "workflow_examples" / "demo_v2.py").read_text()
    submitted = client.post("/api/v1/workflows", {"python_dsl": source})
    assert submitted.status == 201, submitted.raw
    run = client.wait_until(submitted.data["workflow_run_id"], seconds=60)
    assert run["status"] == "completed", logs(worker)
    assert run["result"]["phase6_end"]["stdout"] == GOLDEN

    slow = {"task_id": "a", "operator_type": "task", "function": "tools.shell.run", "args": ["sleep 3; echo done"]}
    run_id = client.submit({"name": "slow", "version": "1.0.0", "start_task": "a", "tasks": {"a": slow}})
    client.wait_until(run_id, {"running"})
    docker("stop", "--time", "60", worker)
    assert state(worker)["ExitCode"] == 0
    [step] = client.get(f"/api/v1/workflows/{run_id}/steps").data["steps"]
    assert (step["status"], step["attempt"]) == ("succeeded", 1), logs(worker)
    docker("stop", "--time", "30", web)
    assert state(web)["ExitCode"] == 0, logs(web)


def test_where_the_engine_forbids_the_sandbox_a_worker_says_so_and_ends(start: Start) -> None:
    worker = start("python", "manage.py", "runworker", sandbox=False)
    wait_for(lambda: state(worker)["Status"] == "exited", worker)
    assert state(worker)["ExitCode"] == 1
    [line] = logs(worker).splitlines()
    assert line.startswith("CommandError: bubblewrap cannot start")
    assert "in a container: its seccomp profile" in line


def test_the_image_keeps_nothing_of_its_making(image: str) -> None:
    made = json.loads(docker("image", "inspect", image).stdout)[0]
    assert made["Config"]["User"] == "highway"
    names = {line.split("=")[0] for line in made["Config"]["Env"]}
    assert not {name for name in names if re.search("SECRET|PASSWORD|TOKEN|PROXY|PIP", name)}
    assert docker("run", "--rm", "--network=none", image, "ls", "-A", "/tmp").stdout == ""  # noqa: S108 (the image's)
    kept = set(docker("run", "--rm", "--network=none", image, "ls", "-A", "/opt/highway/app").stdout.split())
    copied = {name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M) for name in line.split()}
    assert kept == {name.split("/")[0] for name in copied - {"requirements/base.txt"}} | {"staticfiles"}
