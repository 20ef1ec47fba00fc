"""`tools.code.durable`: a Python function whose every effect is a checkpoint, run in the sandbox and called again after each wait."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from engine.durable.cancellation import Cancellation
from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.model.requests import Request
from engine.ports import SandboxJob, SandboxLimits, SandboxResult
from engine.tools.code.channel import Channel
from engine.tools.code.conversation import Conversation, told
from engine.tools.code.run import DEFAULT_SECONDS, Seconds, log_output, refuse_killed
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput

_INSIDE = Path(__file__).with_name("inside")


@dataclass(frozen=True, slots=True)
class Call:
    """What to call: a ``function`` of ``code``, or, where there is an ``archive``, of a module in it, as ``package.module.function``."""

    code: str
    function: str
    kwargs: Mapping[str, Json]
    args: Sequence[Json] = ()
    archive: bytes | None = None


class DurableInput(ToolInput):
    """Python source that defines ``function(ctx, **inputs)``; ``timeout_seconds`` bounds each stretch of work between two waits."""

    code: Annotated[str, Field(max_length=1_000_000)]
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    function: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=200)] = "main"
    timeout_seconds: Seconds | None = None


def run_durable(ctx: ToolContext, given: DurableInput) -> Json | Request:
    """Call a function with a durable context: ``ctx.step``, ``ctx.sleep``, ``ctx.wait_for_event``, ``ctx.child``, ``ctx.lock``, ``ctx.saga`` and more.

    What it did is never done again: after a wait, a retry or the death of a worker it is called from its first line and finds the results
    of before. No network, no secrets, nothing but the standard library. The step's result is what the function returns.
    """
    return call_durable(ctx, Call(given.code, given.function, given.inputs), given.timeout_seconds)


def call_durable(ctx: ToolContext, call: Call, seconds: float | None) -> Json | Request:
    """One stretch of work of durable code, from its first line to its next wait or its end."""
    if ctx.ledger is None:
        raise RuntimeError(f"step {ctx.step_key}: a durable tool was called without a ledger")
    stop = Cancellation()
    ctx.cancelled.on_set(stop.set)
    talk = Conversation(ctx, ctx.ledger, stop)
    wall = ctx.bounded(seconds or DEFAULT_SECONDS)
    limits = SandboxLimits(wall_seconds=wall, cpu_seconds=max(1, math.ceil(wall)))
    files = {"told": _told(ctx, call)} | ({} if call.archive is None else {"archive": call.archive})
    with Channel(talk.handle) as channel:
        job = SandboxJob(_program(), files=files, limits=limits, channel=channel.fd)
        result = ctx.sandbox.run(job, stop, ctx.processes.append)
    return _outcome(ctx, talk, result, limits)


def _program() -> str:
    """One program of three files: what the later ones import of the earlier stands above them."""
    first, *others = ((_INSIDE / name).read_text() for name in ("blocks.py", "functions.py", "durable.py"))
    lines = (line for other in others for line in other.splitlines(keepends=True))
    return first + "".join(line for line in lines if not line.startswith(("from engine.", "from __future__")))


def _told(ctx: ToolContext, call: Call) -> bytes:
    noted = {name: told(step) for name, step in ctx.ledger.noted.items()} if ctx.ledger else {}
    seed = hashlib.sha256(f"{ctx.workflow_run_id}:{ctx.qualified_step}".encode()).hexdigest()
    return json.dumps(
        {
            "code": call.code,
            "function": call.function,
            "is_archived": call.archive is not None,
            "args": call.args,
            "inputs": call.kwargs,
            "noted": noted,
            "seed": seed,
            "run_id": str(ctx.workflow_run_id),
            "attempt": ctx.attempt,
            "last_details": ctx.last_details,
        }
    ).encode()


def _outcome(ctx: ToolContext, talk: Conversation, result: SandboxResult, limits: SandboxLimits) -> Json | Request:
    if talk.failure is not None:
        log_output(ctx, result)
        raise talk.failure
    if talk.wait is not None:
        return talk.wait
    refuse_killed(result, limits)
    if talk.returned is None:
        log_output(ctx, result)
        raise ToolError(f"the code ended with exit code {result.returncode} and without a result", type="ExitCode")
    log_output(ctx, result)
    return talk.returned.result
