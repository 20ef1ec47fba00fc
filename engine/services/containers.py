"""What `tools.docker.*` has left behind on this worker's container engine is removed: a dead worker's containers, an ended run's stacks and networks."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from uuid import UUID

from engine.db.connection import Connection
from engine.db.queries import load
from engine.durable.runners import DockerPolicy
from engine.tools.docker.engine import PREFIX, connected
from engine.tools.docker.removal import containers_of, drop_network, end_container

_logger = logging.getLogger(__name__)
_sql = load("container")
_CALL_SECONDS = 10


class LeftBehind:
    """The service of one worker on its engine. Says once that the engine is gone, and once that it is back."""

    def __init__(self, policy: DockerPolicy) -> None:
        self._policy = policy
        self._is_lost = False

    def step(self, connection: Connection, worker_id: UUID) -> int:  # noqa: ARG002 - a service's signature
        """Remove what nobody answers for. Returns how many things. An engine that cannot be reached now is asked again in the next round."""
        import docker.errors  # noqa: PLC0415 - only where there are containers
        import requests  # noqa: PLC0415

        try:
            with connected(self._policy, _CALL_SECONDS) as client:
                removed = _remove(client, self._policy, connection)
        except (docker.errors.DockerException, requests.RequestException) as error:
            if not self._is_lost:
                _logger.warning("the container engine cannot be looked at: %s", type(error).__name__)
            self._is_lost = True
            return 0
        if self._is_lost:
            _logger.info("the container engine answers again")
        self._is_lost = False
        return removed


def _remove(client: Any, policy: DockerPolicy, connection: Connection) -> int:
    ours = {"label": [f"{PREFIX}.installation={policy.installation}"]}
    containers = containers_of(client, ours)
    networks = client.networks.list(filters=ours)
    steps = [each for each in containers if _label(each, "kind") == "step"]
    lasting = [each for each in containers if _label(each, "kind") == "stack"]
    gone, over = _gone_workers(connection, steps), _runs_over(connection, [*lasting, *networks])
    removed = 0
    for container in [each for each in steps if _label(each, "worker") in gone] + _of(lasting, over):
        removed += _tried(partial(end_container, container))
    return removed + sum(_tried(partial(drop_network, network)) for network in _of(networks, over))


def _gone_workers(connection: Connection, steps: list[Any]) -> set[str]:
    ids = sorted({_label(each, "worker") for each in steps} - {""})
    return {str(row["worker_id"]) for row in _sql.gone_workers.many(connection, worker_ids=ids)} if ids else set()


def _runs_over(connection: Connection, lasting: list[Any]) -> set[str]:
    pairs = sorted({(_label(each, "tenant"), _label(each, "run")) for each in lasting})
    if not pairs:
        return set()
    rows = _sql.runs_over.many(
        connection, tenant_ids=[tenant for tenant, _ in pairs], run_ids=[run for _, run in pairs]
    )
    return {str(row["run_id"]) for row in rows}


def _of(things: list[Any], over: set[str]) -> list[Any]:
    return [each for each in things if _label(each, "run") in over]


def _label(thing: Any, name: str) -> str:
    attributes = thing.attrs
    marks = attributes.get("Labels") or attributes.get("Config", {}).get("Labels") or {}
    return str(marks.get(f"{PREFIX}.{name}", ""))


def _tried(remove: Any) -> int:
    """A network may still have containers in it: the next round sees."""
    import docker.errors  # noqa: PLC0415 - only where there are containers
    import requests  # noqa: PLC0415

    try:
        remove()
    except (docker.errors.DockerException, requests.RequestException) as error:
        _logger.info("what was left behind could not be removed now: %s", error)
        return 0
    return 1
