"""Finding and removing things of the container engine where others may be removing the same: a step's next attempt, a worker's look after what
dead ones have left, a `compose_down`. What somebody else has removed meanwhile counts as removed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import DockerClient

_BEING_REMOVED = 409  # what is asked with force is refused for no other reason


def containers_of(client: DockerClient, filters: dict[str, list[str]]) -> list[Any]:
    """The containers with these marks, running or not. The SDK looks at each one that it has listed; one that is gone by then is left out."""
    return list(client.containers.list(all=True, filters=filters, ignore_removed=True))


def end_container(container: Any) -> None:
    """Kill it and remove it with its volumes; returns when it is gone, whoever has removed it. Raises the engine's other errors."""
    import docker.errors  # noqa: PLC0415 - see engine.py

    with suppress(docker.errors.NotFound):
        try:
            container.remove(force=True, v=True)
        except docker.errors.APIError as error:
            if error.status_code != _BEING_REMOVED:
                raise
            container.wait(condition="removed")


def drop_network(network: Any) -> None:
    """Remove it; one that is gone is no error. Raises the engine's other errors: a network with containers in it stays."""
    import docker.errors  # noqa: PLC0415 - see engine.py

    with suppress(docker.errors.NotFound):
        network.remove()
