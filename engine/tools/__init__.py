"""The tools a workflow can name. To add one: a folder with its code, and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.tools import (
    agent,
    code,
    database,
    email,
    http,
    list_generator,
    llm,
    lock,
    log,
    long_running,
    memory,
    rag,
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
            *code.TOOLS,
            *database.TOOLS,
            *email.TOOLS,
            *http.TOOLS,
            *list_generator.TOOLS,
            *llm.TOOLS,
            *lock.TOOLS,
            *log.TOOLS,
            *long_running.TOOLS,
            *memory.TOOLS,
            *rag.TOOLS,
            *shell.TOOLS,
            *simple_counter.TOOLS,
            *update.TOOLS,
            *workflow.TOOLS,
        )
    }
)
