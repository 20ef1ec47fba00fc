"""One attempt of one tool call: arguments in, a fact out, whatever the tool does."""

from __future__ import annotations

import logging
from typing import Any

from engine.durable.tool_context import ToolContext
from engine.model.commands import CallTool
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolAsked, ToolFailed, ToolSucceeded
from engine.model.requests import AwaitBranches, CancelBranches, RunChild, SleepFor
from engine.tools.errors import ToolError
from engine.tools.results import check_result
from engine.tools.spec import ToolSpec, bind

_logger = logging.getLogger(__name__)


def attempt(spec: ToolSpec[Any], call: CallTool, context: ToolContext) -> Fact:
    """Run the tool and translate what became of it. Never raises an `Exception`."""
    try:
        answer = spec.run(context, bind(spec, call.args, call.kwargs))
        if isinstance(answer, AwaitBranches | CancelBranches | RunChild | SleepFor):
            return ToolAsked(call.key, answer)
        check_result(answer)
        check_result(context.changed_variables)
        return ToolSucceeded(call.key, answer, dict(context.changed_variables))
    except ToolError as error:
        return ToolFailed(call.key, error.step_error())
    except Exception as error:  # noqa: BLE001 - the tool's own bug fails its step, never the worker
        _logger.warning("tool %s raised %s", call.tool, type(error).__name__)
        return ToolFailed(call.key, StepError("tool", f"{type(error).__name__}: {error}", type(error).__name__))
