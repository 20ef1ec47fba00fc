"""Containers: closed in, bounded, gone afterwards, and of one tenant. On an engine of the tests' own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import docker
import pytest

from engine import facade
from engine.durable.runners import DockerPolicy, RunnerSettings
from engine.durable.tool_context import ToolContext
from engine.tools.docker.engine import labels, marked
from engine.tools.docker.removal import containers_of, end_container
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.definitions import task, workflow
from tests.engine.tool_calls import call, context
from tests.support.containers import IMAGE, Engine, NoEngine, container_engine
from tests.support.workers import Workers

SERVE = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Listen => 9, LocalPort => 80, Reuse => 1) or die;
while (my $c = $s->accept) { print $c 'served'; close $c }
"""
ASK = """
use IO::Socket::INET;
my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 80, Timeout => 3) or die 'nobody';
print <$c>
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        with container_engine() as started:
            yield started
    except NoEngine as reason:
        pytest.skip(f"no container engine here: {reason}")


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    """The engine itself; at the end of a test it has no container."""
    made = docker.DockerClient(base_url=engine.url)
    yield made
    assert containers_of(made, {}) == []
    made.close()


def offering(engine: Engine, **changes: Any) -> ToolContext:
    policy = DockerPolicy(
        url=engine.url, **{name: changes.pop(name) for name in tuple(changes) if name.startswith(("allow", "max"))}
    )
    return context(**({"runners": RunnerSettings(docker=policy), "worker_id": str(uuid4())} | changes))


def run(ctx: ToolContext, *command: str, **how: Any) -> Any:
    return call("tools.docker.run", ctx=ctx, image=IMAGE, command=list(command), **how)


def test_output_exit_code_and_environment(engine: Engine, client: docker.DockerClient) -> None:
    script = "echo out $WORD; echo problem >&2; exit 3"
    said = run(offering(engine), "sh", "-c", script, environment={"WORD": "x"}, check=False)
    assert (said["stdout"], said["stderr"], said["exit_code"]) == ("out x\n", "problem\n", 3)
    with pytest.raises(ToolError, match="exit code 3: problem") as failed:
        run(offering(engine), "sh", "-c", script)
    assert failed.value.type == "ExitCode"


def test_a_container_is_closed_in(engine: Engine, client: docker.DockerClient) -> None:
    script = """
    id -u; touch /x 2>/dev/null || echo read-only; touch /tmp/x 2>&1 && echo work-space
    cat /sys/class/net/*/address | head -9
    while read -r name value; do case $name in CapEff:|NoNewPrivs:) echo $name $value;; esac; done < /proc/self/status
    """
    lines = run(offering(engine), "sh", "-c", script)["stdout"].split("\n")
    expected = [
        "65534",
        "read-only",
        "work-space",
        "00:00:00:00:00:00",
        "CapEff: 0000000000000000",
        "NoNewPrivs: 1",
        "",
    ]
    assert sorted(lines) == sorted(expected)


def test_memory_and_processes_are_bounded(engine: Engine, client: docker.DockerClient) -> None:
    with pytest.raises(ToolError) as failed:
        run(offering(engine), "perl", "-e", "my @a; push @a, 'x' x 10_000_000 while 1", memory_limit="32m")
    assert failed.value.type == "ExitCode"
    script = "for n in 1 2 3 4 5 6 7 8 9; do sleep 0.5 & done; wait"
    said = run(offering(engine), "sh", "-c", script, process_limit=4, check=False, timeout=20)
    assert "fork" in said["stderr"].lower()


def test_a_timeout_and_a_cancel_kill_it(engine: Engine, client: docker.DockerClient) -> None:
    with pytest.raises(ToolTimeout, match=r"longer than 0\.5 seconds"):
        run(offering(engine), "sleep", "60", timeout=0.5)
    ctx = offering(engine)
    threading.Timer(0.5, ctx.cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(ToolCancelled):
        run(ctx, "sleep", "60")
    assert time.monotonic() - began < 20


def test_too_much_output_is_cut_and_stops_nothing(engine: Engine, client: docker.DockerClient) -> None:
    said = run(offering(engine), "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2")
    assert (said["exit_code"], said["stderr"]) == (0, "end\n")
    assert "more bytes were cut off" in said["stdout"]
    assert len(said["stdout"]) < 500_000


WRONG = {
    "remove": ({"remove": False}, "remove is not an argument"),
    "volumes": ({"volumes": {"/": {"bind": "/host"}}}, "volumes is not an argument"),
    "privileged": ({"privileged": True}, "privileged is not an argument"),
    "root": ({"user": "0:0"}, "do not run as root"),
    "root by name": ({"user": "root"}, "do not run as root"),
    "root by zeros": ({"user": "000"}, "do not run as root"),
    "host network": ({"network": "host"}, "no network host"),
    "too much memory": ({"memory_limit": "64g"}, "more than this worker gives"),
    "too many processors": ({"cpu_limit": 64}, "more than this worker gives"),
    "no size": ({"memory_limit": "much"}, "is no size"),
    "too long": ({"timeout_seconds": 10**9}, "is more than"),
    "an image from elsewhere": ({"image": "nobody/knows:1"}, "images are not fetched"),
}


@pytest.mark.parametrize(("given", "words"), WRONG.values(), ids=WRONG)
def test_what_is_not_offered_is_refused_in_words(
    engine: Engine, client: docker.DockerClient, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolError, match=words) as refused:
        call("tools.docker.run", ctx=offering(engine), **({"image": IMAGE, "command": ["true"]} | given))
    assert not refused.value.retryable


def test_without_an_engine_the_step_says_who_can_change_that() -> None:
    with pytest.raises(ToolError, match=r"its operator has to set \[docker\] url"):
        run(context(), "true")
    nobody = context(runners=RunnerSettings(docker=DockerPolicy(url="unix:///tmp/nobody-listens")))
    with pytest.raises(ToolError, match="cannot be reached") as failed:
        run(nobody, "true")
    assert failed.value.retryable


def test_networks_are_a_tenants_own(engine: Engine, client: docker.DockerClient) -> None:
    ours, theirs = offering(engine), offering(engine)
    made = call("tools.docker.create_network", "shared", ctx=ours)
    assert made == call("tools.docker.create_network", "shared", ctx=ours), "made again it is the same"
    other = call("tools.docker.create_network", "shared", ctx=theirs)
    assert other["id"] != made["id"]
    with pytest.raises(ToolError, match="not allowed on this worker"):
        call("tools.docker.create_network", "open", internal=False, ctx=ours)
    inside = run(ours, "sh", "-c", "cat /sys/class/net/*/address", network="shared")["stdout"]
    assert len(inside.splitlines()) == 2, "itself, and its end of the network"
    assert client.networks.get(made["id"]).attrs["Internal"] is True
    assert call("tools.docker.remove_network", "shared", ctx=ours) == {"name": "shared", "removed": True}
    assert call("tools.docker.remove_network", "shared", ctx=ours) == {"name": "shared", "removed": False}
    with pytest.raises(ToolError, match="no network shared"):
        run(ours, "true", network="shared")
    assert call("tools.docker.remove_network", "shared", ctx=theirs)["removed"] is True


STACK = {
    "services": {
        "front": {"image": IMAGE, "command": ["sleep", "60"], "depends_on": ["back"]},
        "back": {
            "image": IMAGE,
            "command": ["perl", "-e", SERVE],
            "environment": ["A=1"],
            "healthcheck": {"test": ["CMD", "perl", "-e", ASK, "127.0.0.1"], "interval": "200ms"},
        },
    }
}


def test_a_stack_is_reached_by_its_tenant_and_nobody_else(engine: Engine, client: docker.DockerClient) -> None:
    ours, theirs = offering(engine), offering(engine)
    up = call("tools.docker.compose_up", ctx=ours, compose_config=STACK, scale={"front": 2}, wait_timeout=30)
    assert up["services_started"] == ["front", "back"]
    assert len(client.containers.list()) == 3
    back = next(one for one in client.containers.list() if one.labels["highway.service"] == "back")
    (network,) = back.attrs["NetworkSettings"]["Networks"].values()
    answer = run(ours, "perl", "-e", ASK, network["IPAddress"], network=up["network"])
    assert answer["stdout"] == "served"
    with pytest.raises(ToolError, match="no network"):
        run(theirs, "perl", "-e", ASK, "back", network=up["network"])
    assert call("tools.docker.compose_down", up["project_name"], ctx=theirs)["containers_removed"] == 0
    assert call("tools.docker.compose_up", ctx=ours, compose_config=STACK)["project_name"] == up["project_name"]
    down = call("tools.docker.compose_down", up["project_name"], volumes=True, ctx=ours)
    assert down == {"project_name": up["project_name"], "containers_removed": 2}
    assert [one for one in client.networks.list() if one.name.startswith("highway")] == []


def test_a_name_that_another_run_of_the_tenant_uses_is_refused(engine: Engine, client: docker.DockerClient) -> None:
    stack = {"services": {"only": {"image": IMAGE, "command": ["sleep", "60"]}}}
    first = offering(engine)
    second = offering(engine, tenant_id=first.tenant_id)
    given = {"compose_config": stack, "project_name": "mine"}
    call("tools.docker.compose_up", ctx=first, **given)
    with pytest.raises(ToolError, match="a stack mine of another run"):
        call("tools.docker.compose_up", ctx=second, **given)
    assert len(client.containers.list()) == 1, "it is left alone"
    assert call("tools.docker.compose_down", "mine", ctx=second)["containers_removed"] == 1


def test_a_stack_that_does_not_come_up_is_removed(engine: Engine, client: docker.DockerClient) -> None:
    failing = {"services": {"only": {"image": IMAGE, "command": ["sh", "-c", "echo no; exit 4"]}}}
    with pytest.raises(ToolError, match="service only ended with exit code 4: no"):
        call("tools.docker.compose_up", ctx=offering(engine), compose_config=failing)
    slow = {"services": {"only": {**STACK["services"]["front"], "depends_on": [], "healthcheck": {"test": "sleep 9"}}}}
    with pytest.raises(ToolTimeout, match="not up: only"):
        call("tools.docker.compose_up", ctx=offering(engine), compose_config=slow, wait_timeout=1)


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        ({"services": {"a": {"image": IMAGE, "ports": ["80:80"]}}}, "ports"),
        ({"services": {"a": {"image": IMAGE, "volumes": ["/:/host"]}}}, "volumes"),
        ({"services": {"a": {"image": IMAGE, "privileged": True}}}, "privileged"),
        ({"services": {"a": {"build": "."}}}, "build"),
        ({"services": {"a": {"image": IMAGE, "depends_on": ["b"]}}}, "do not exist: a -> b"),
        ({"services": {"a": {"image": IMAGE, "depends_on": ["a"]}}}, "in a circle: a -> a"),
        ({"services": {}}, "at least 1"),
        ({"services": {"a": {"image": IMAGE}}, "volumes": {"v": {}}}, "volumes"),
    ],
)
def test_a_stack_has_no_more_than_a_container(engine: Engine, stack: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolInputError, match=words):
        call("tools.docker.compose_up", ctx=offering(engine), compose_config=stack)


def test_the_container_of_a_dead_worker_is_removed_and_its_step_done_again(
    engine: Engine, client: docker.DockerClient, workers: Workers
) -> None:
    kwargs = {"image": IMAGE, "command": ["sleep", "600"], "timeout": 900}
    run_id = workers.submit(workflow(task("work", function="tools.docker.run", kwargs=kwargs)))
    offered = {"docker": {"url": engine.url, "installation": "killed"}}
    running = partial(client.containers.list, ignore_removed=True)
    dying = workers.start(runners=offered)
    first = _wait_for(running)[0]
    workers.kill(dying)
    workers.start(runners=offered, queues=["other"])  # one that would never take the step itself
    _wait_for(lambda: first.id not in {one.id for one in running()})
    workers.start(runners=offered)
    _wait_for(running)
    workers.ask(facade.kill, run_id)
    _wait_for(lambda: not containers_of(client, {}))
    workers.finish(run_id)


def test_what_a_run_leaves_is_removed_when_it_is_over(
    engine: Engine, client: docker.DockerClient, workers: Workers
) -> None:
    stack = {"services": {"only": {"image": IMAGE, "command": ["sleep", "60"]}}}
    definition = workflow(
        task("up", function="tools.docker.compose_up", kwargs={"compose_config": stack}),
        task("net", "up", function="tools.docker.create_network", kwargs={"name": "left"}),
    )
    workers.start(runners={"docker": {"url": engine.url, "installation": "leaving"}})
    run = workers.finish(workers.submit(definition))
    assert run.status == "completed", run.error
    assert workers.result(run.workflow_run_id)["net"]["name"] == "left"
    _wait_for(lambda: not containers_of(client, {}))
    _wait_for(lambda: not [one for one in client.networks.list() if one.name.startswith("highway")])


def test_several_may_remove_the_same_containers(engine: Engine, client: docker.DockerClient) -> None:
    ctx = offering(engine)
    for _ in range(4):
        client.containers.run(IMAGE, ["sleep", "600"], detach=True, labels=labels(ctx, kind="step"))
    seen = [each for _ in range(3) for each in containers_of(client, marked(ctx, kind="step"))]  # by three of them
    assert len(seen) == 12
    with ThreadPoolExecutor(len(seen)) as removing:
        list(removing.map(end_container, seen))


def _wait_for(look: Any, seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def test_the_settings_offer_nothing_by_themselves() -> None:
    policy = DockerPolicy()
    assert (policy.url, policy.allow_pull, policy.allow_outside) == ("", False, False)
