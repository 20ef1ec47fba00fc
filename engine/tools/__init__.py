"""The tools a workflow can name. To add one: a folder with its code, and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.tools import (
    agent,
    approval,
    code,
    cron,
    database,
    datashard,
    docker,
    email,
    http,
    list_generator,
    llm,
    lock,
    log,
    long_running,
    mcp,
    memory,
    python,
    rag,
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
            *agent.TOOLS,
            *approval.TOOLS,
            *code.TOOLS,
            *cron.TOOLS,
            *database.TOOLS,
            *datashard.TOOLS,
            *docker.TOOLS,
            *email.TOOLS,
            *http.TOOLS,
            *list_generator.TOOLS,
            *llm.TOOLS,
            *lock.TOOLS,
            *log.TOOLS,
            *long_running.TOOLS,
            *mcp.TOOLS,
            *memory.TOOLS,
            *python.TOOLS,
            *rag.TOOLS,
            *scriptplan.TOOLS,
            *shell.TOOLS,
            *simple_counter.TOOLS,
            *update.TOOLS,
            *workflow.TOOLS,
        )
    }
)
