"""`tools.docker.*`: programs in containers, and networks and small stacks of them, each tenant's own."""

from __future__ import annotations

from engine.tools.docker.compose import (
    ComposeDownInput,
    ComposeDownOutput,
    ComposeUpInput,
    ComposeUpOutput,
    compose_down,
    compose_up,
)
from engine.tools.docker.networks import (
    CreateNetworkInput,
    NetworkOutput,
    RemoveNetworkInput,
    RemoveNetworkOutput,
    create_network,
    remove_network,
)
from engine.tools.docker.run import RunInput, RunOutput, run
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec("tools.docker.run", run, RunInput, side_effect="effectful", output_model=RunOutput),
    ToolSpec(
        "tools.docker.compose_up", compose_up, ComposeUpInput, side_effect="idempotent", output_model=ComposeUpOutput
    ),
    ToolSpec(
        "tools.docker.compose_down",
        compose_down,
        ComposeDownInput,
        side_effect="idempotent",
        output_model=ComposeDownOutput,
    ),
    ToolSpec(
        "tools.docker.create_network",
        create_network,
        CreateNetworkInput,
        side_effect="idempotent",
        output_model=NetworkOutput,
    ),
    ToolSpec(
        "tools.docker.remove_network",
        remove_network,
        RemoveNetworkInput,
        side_effect="idempotent",
        output_model=RemoveNetworkOutput,
    ),
)
