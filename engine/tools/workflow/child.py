"""Start another workflow as a run of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, model_validator

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.model.requests import Request, RunChild
from engine.tools.spec import ToolInput


class ExecuteInput(ToolInput):
    """Which workflow, by name (its latest version) or by id, with what inputs, and whether to wait for its end."""

    workflow_name: str | None = None
    definition_id: str | None = None
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    wait: bool = True
    timeout_seconds: Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _names_one_workflow(self) -> ExecuteInput:
        if (self.workflow_name is None) == (self.definition_id is None):
            raise ValueError("give exactly one of workflow_name and definition_id")
        return self


def execute(_ctx: ToolContext, given: ExecuteInput) -> Request:
    """Start a workflow as a child run. Returns ``{"workflow_run_id", "status", "result"}``; a failed child fails the step."""
    inputs: dict[str, Json] = dict(given.inputs)
    return RunChild(
        workflow_name=given.workflow_name,
        definition_id=given.definition_id,
        inputs=inputs,
        wait=given.wait,
        timeout_seconds=given.timeout_seconds,
    )
