"""Hand code to the sandbox and make a step's result of what it leaves."""

from __future__ import annotations

import json
import keyword
import math
from pathlib import Path
from typing import Annotated, NoReturn, cast

from pydantic import Field, JsonValue, field_validator

from engine.durable.tool_context import LogLevel, ToolContext
from engine.model.json import Json, JsonObject
from engine.ports import SandboxJob, SandboxLimits, SandboxResult
from engine.tools.code.inside.execute import REPORT_MARK
from engine.tools.errors import ToolCancelled, ToolError, ToolTimeout
from engine.tools.results import storable_text
from engine.tools.spec import ToolInput

RESULT_MARK = "__HIGHWAY_RESULT__:"
MAX_SECONDS = 3_600
DEFAULT_SECONDS = 300.0
_OUTPUT_BYTES = 3 * 1024 * 1024  # a value and what was printed
_STORED_BYTES = 480 * 1024
_FINAL = ("SyntaxError", "InvalidResult")  # the same again at the next attempt
_PROGRAM = Path(__file__).with_name("inside") / "execute.py"

Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)]


class CodeInput(ToolInput):
    """Python source; ``inputs`` become its variables. ``timeout`` is another name for ``timeout_seconds``."""

    code: Annotated[str, Field(max_length=1_000_000)]
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    timeout_seconds: Seconds | None = None
    timeout: Seconds | None = None

    @field_validator("code")
    @classmethod
    def _is_text(cls, code: str) -> str:
        try:
            code.encode()
        except UnicodeEncodeError:
            raise ValueError("is not valid Unicode text") from None
        return code

    @field_validator("inputs")
    @classmethod
    def _are_variables(cls, inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in inputs:
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
                raise ValueError(f"{name!r} cannot be the name of a variable")
        return inputs


def run(ctx: ToolContext, given: CodeInput) -> Json:
    """Run Python in the sandbox: no network, no secrets, nothing but the standard library.

    The step's result is the value that the code leaves: its variable ``result``, or else the JSON after the last printed line that begins
    with ``__HIGHWAY_RESULT__:``. Code that leaves no value gives ``{"stdout", "stderr", "returncode"}``. With a value, what was printed
    goes to the run's log. An exception fails the step with its last line and the line of the code.
    """
    wishes = [seconds for seconds in (given.timeout_seconds, given.timeout) if seconds is not None]
    wall = ctx.bounded(min(wishes, default=DEFAULT_SECONDS))
    limits = SandboxLimits(wall_seconds=wall, cpu_seconds=max(1, math.ceil(wall)), output_bytes=_OUTPUT_BYTES)
    files = {"code": given.code.encode(), "inputs": json.dumps(given.inputs).encode()}
    result = ctx.sandbox.run(
        SandboxJob(_PROGRAM.read_text(), files=files, limits=limits), ctx.cancelled, ctx.processes.append
    )
    refuse_killed(result, limits)
    printed, mark, report = result.stdout.rpartition(REPORT_MARK)
    if not mark:
        raise ToolError(
            f"the code ended with exit code {result.returncode}{_last_line(result.stderr)}", type="ExitCode"
        )
    return _value(ctx, printed, result, _read(report))


def _value(ctx: ToolContext, printed: str, result: SandboxResult, report: JsonObject) -> Json:
    if "error" in report:
        told = cast(JsonObject, report["error"])
        at = f" (line {told['line']})" if told["line"] else ""
        raise ToolError(f"{told['message']}{at}", type=str(told["type"]), retryable=told["type"] not in _FINAL)
    marked = [line for line in printed.splitlines() if line.startswith(RESULT_MARK)]
    if "value" not in report and not marked:
        return {
            "stdout": storable_text(printed, _STORED_BYTES),
            "stderr": storable_text(result.stderr, _STORED_BYTES),
            "returncode": result.returncode,
        }
    _log(ctx, "info", printed)
    _log(ctx, "warning", result.stderr)
    return report["value"] if "value" in report else _read(marked[-1].removeprefix(RESULT_MARK))


def log_output(ctx: ToolContext, result: SandboxResult) -> None:
    """What a program printed, for the run's log."""
    _log(ctx, "info", result.stdout)
    _log(ctx, "warning", result.stderr)


def _log(ctx: ToolContext, level: LogLevel, text: str) -> None:
    said = "\n".join(line for line in text.splitlines() if not line.startswith(RESULT_MARK)).strip()
    if said:
        ctx.log(level, said.replace("\0", "\ufffd"))


def refuse_killed(result: SandboxResult, limits: SandboxLimits) -> None:
    """Raise what it means that a bound ended the program."""
    if result.killed == "cancelled":
        raise ToolCancelled
    if result.killed == "wall":
        raise ToolTimeout(f"the code ran longer than {limits.wall_seconds:g} seconds and was killed")
    if result.killed:
        bound = {
            "cpu": f"{limits.cpu_seconds} seconds of processor time",
            "memory": f"{limits.memory_bytes // 1024**2} MiB of memory",
            "output": f"{limits.output_bytes // 1024**2} MiB of output",
        }[result.killed]
        raise ToolError(f"the code used more than {bound} and was killed", type="SandboxLimit")


def _read(text: str) -> JsonObject:
    try:
        return cast(JsonObject, json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise ToolError(f"the code's result is not JSON: {error}", type="InvalidResult", retryable=False) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _last_line(stderr: str) -> str:
    lines = stderr.strip().splitlines()
    return f": {storable_text(lines[-1], 2_000)}" if lines else ""
