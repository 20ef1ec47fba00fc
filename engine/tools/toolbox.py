"""`engine.durable.toolbox.Toolbox` of a registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engine.durable.tool_context import ToolContext
from engine.durable.toolbox import Toolbox
from engine.model.json import Json, JsonObject
from engine.model.requests import Request
from engine.tools.results import check_result
from engine.tools.spec import ToolSpec, bind


class RegistryToolbox(Toolbox):
    """The tools of a worker. Durable ones are left out: their checkpoints are a step's own, and two of them in one step would mix theirs."""

    def __init__(self, tools: Mapping[str, ToolSpec[Any]]) -> None:
        self._tools = tools

    def names(self) -> Collection[str]:
        return [name for name, spec in self._tools.items() if not spec.durable]

    def summary(self, tool: str) -> str:
        return self._tools[tool].summary

    def parameters(self, tool: str) -> JsonObject:
        return self._tools[tool].input_model.model_json_schema()  # type: ignore[no-any-return]

    def is_transactional(self, tool: str) -> bool:
        return self._tools[tool].transactional

    def call(self, tool: str, kwargs: JsonObject, ctx: ToolContext) -> Json | Request:
        spec = self._tools[tool]
        answer = spec.run(ctx, bind(spec, (), kwargs))
        if not isinstance(answer, Request):
            check_result(answer)
        return answer
