"""One attempt of one tool call: arguments in, a fact out, whatever the tool does."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from engine.db.errors import BusyError, ConnectionLostError
from engine.durable.tool_context import ToolContext
from engine.kit.json_text import storable
from engine.model.commands import CallTool
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolAsked, ToolFailed, ToolSucceeded
from engine.model.requests import Request
from engine.tools.errors import ToolError
from engine.tools.results import check_result
from engine.tools.spec import ToolSpec, bind

_logger = logging.getLogger(__name__)


def attempt(spec: ToolSpec[Any], call: CallTool, context: ToolContext) -> Fact:
    """Run the tool and translate what became of it. Raises nothing but what befell the tool's transaction: `BusyError`, `ConnectionLostError`."""
    try:
        answer = spec.run(context, bind(spec, call.args, call.kwargs))
        if isinstance(answer, Request):
            return ToolAsked(call.key, answer)
        check_result(answer)
        if context.changed_variables:
            check_result(context.changed_variables)
        return ToolSucceeded(call.key, answer, dict(context.changed_variables))
    except ToolError as error:
        return _failed(call, error.step_error())
    except (BusyError, ConnectionLostError):
        raise
    except Exception as error:  # noqa: BLE001 - the tool's own bug fails its step, never the worker
        _logger.warning("tool %s raised %s", call.tool, type(error).__name__)
        return _failed(call, StepError("tool", f"{type(error).__name__}: {error}", type(error).__name__))


def _failed(call: CallTool, error: StepError) -> ToolFailed:
    # A message may quote what a program wrote, and that may be anything.
    return ToolFailed(call.key, replace(error, message=storable(error.message)))
