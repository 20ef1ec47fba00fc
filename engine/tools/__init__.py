"""The tools a workflow can name. To add one: a folder with its code, and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.tools import (
    code,
    cron,
    datashard,
    docker,
    http,
    list_generator,
    lock,
    log,
    long_running,
    mcp,
    memory,
    python,
    scriptplan,
    shell,
    simple_counter,
    update,
    workflow,
)
from engine.tools.spec import ToolSpec

registry: Mapping[str, ToolSpec[Any]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            *code.TOOLS,
            *cron.TOOLS,
            *datashard.TOOLS,
            *docker.TOOLS,
            *http.TOOLS,
            *list_generator.TOOLS,
            *lock.TOOLS,
            *log.TOOLS,
            *long_running.TOOLS,
            *mcp.TOOLS,
            *memory.TOOLS,
            *python.TOOLS,
            *scriptplan.TOOLS,
            *shell.TOOLS,
            *simple_counter.TOOLS,
            *update.TOOLS,
            *workflow.TOOLS,
        )
    }
)
