"""`tools.log.*`: a line in the run's log, for the people who read the run."""

from __future__ import annotations

import json
from collections.abc import Callable

from pydantic import ConfigDict, JsonValue

from engine.durable.tool_context import LogLevel, ToolContext
from engine.model.json import Json
from engine.tools.spec import ToolInput, ToolSpec


class LogInput(ToolInput):
    """The line; further named arguments become its fields."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    message: JsonValue


def _write(level: LogLevel) -> Callable[[ToolContext, LogInput], Json]:
    def write(ctx: ToolContext, line: LogInput) -> Json:
        text = line.message if isinstance(line.message, str) else _as_text(line.message)
        ctx.log(level, text, **line.__pydantic_extra__)
        return {"level": level, "message": text}

    write.__doc__ = f"Write a line of level {level} to the run's log."
    return write


def _as_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _spec(level: LogLevel) -> ToolSpec[LogInput]:
    return ToolSpec(f"tools.log.{level}", _write(level), LogInput, side_effect="idempotent", inline=True)


TOOLS = (_spec("debug"), _spec("info"), _spec("warning"), _spec("error"))
