"""Run a command line and answer with what it said."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from engine.durable.tool_context import ToolContext
from engine.kit.bounded_process import Bounds, Ended, Process, Started, run_bounded
from engine.model.json import Json, JsonObject
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.results import storable_text
from engine.tools.spec import ToolInput

STREAM_BYTES = 1024 * 1024  # read of each stream
STORED_BYTES = 480 * 1024  # kept of each stream in the result, so that both together are always storable
MAX_COMMAND_BYTES = 120_000  # the kernel takes 128 KiB for one argument
_LAUNCHER = Path(__file__).with_name("launcher.py")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ERROR_LINES = 10
_ERROR_CHARACTERS = 2_000


class ShellInput(ToolInput):
    """A command line for bash (sh where there is no bash). Without ``cwd`` it runs in an empty folder that is removed afterwards."""

    command: Annotated[str, Field(min_length=1)]
    cwd: str | None = None
    env: dict[str, str | int | float] = Field(default_factory=dict)
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    check: bool = True

    @field_validator("command")
    @classmethod
    def _fits_one_argument(cls, command: str) -> str:
        if "\0" in command:
            raise ValueError("contains a NUL character")
        if len(command.encode(errors="replace")) > MAX_COMMAND_BYTES:
            raise ValueError(f"is longer than {MAX_COMMAND_BYTES:,} bytes")
        return command

    @field_validator("env")
    @classmethod
    def _has_plain_names(cls, env: dict[str, str | int | float]) -> dict[str, str | int | float]:
        for name, value in env.items():
            if not name or "=" in name or "\0" in name or "\0" in str(value):
                raise ValueError(f"{name!r} cannot be an environment variable")
        return env


def run(ctx: ToolContext, given: ShellInput) -> Json:
    """Run a command line. Returns ``{"stdout", "stderr", "returncode"}``; another exit code than 0 fails the step unless ``check`` is false.

    Nothing it starts outlives it: what is left in the background when it ends is killed, and everything with a timeout, a cancel, or the
    worker's own end. It runs as the worker's user, as nobody where that is root. Each stream is cut at 480 KiB with a note.
    The environment holds PATH, LANG, HOME, ``env``, and HIGHWAY_ATTEMPT,
    HIGHWAY_WORKFLOW_RUN_ID, HIGHWAY_STEP and HIGHWAY_IDEMPOTENCY_KEY.
    """
    folder = "" if given.cwd is None else _existing(given.cwd)
    home = Path(tempfile.gettempdir(), f"highway-shell-{uuid.uuid4().hex}")
    ended = _run(ctx, given, str(home), folder)
    if ended.returncode < 0:  # the launcher itself was killed, and could not tidy up
        shutil.rmtree(home, ignore_errors=True)
    result: JsonObject = {
        "stdout": storable_text(ended.stdout.text(), STORED_BYTES, ended.stdout.dropped_bytes),
        "stderr": storable_text(ended.stderr.text(), STORED_BYTES, ended.stderr.dropped_bytes),
        "returncode": ended.returncode,
    }
    if ended.stopped == "cancelled":
        raise ToolCancelled
    if ended.stopped:
        limit = given.timeout_seconds if given.timeout_seconds is not None else ctx.timeout_seconds
        raise ToolTimeout(f"the command ran longer than {limit:g} seconds and was killed", data=result)
    if given.check and ended.returncode != 0:
        raise ToolError(_failure(ended), type="ExitCode", data=result)
    return result


def _run(ctx: ToolContext, given: ShellInput, home: str, folder: str) -> Ended:
    shell = shutil.which("bash", path=_PATH) or "/bin/sh"
    started = Started(
        argv=[sys.executable, "-I", "-S", str(_LAUNCHER), home, folder, shell, "-c", given.command],
        env=_environment(ctx, given, home),
        stdin=subprocess.PIPE,
    )
    bounds = Bounds(STREAM_BYTES, when_flooded="drop", wall_seconds=ctx.bounded(given.timeout_seconds))
    try:
        return run_bounded(started, bounds, cancelled=ctx.cancelled, stop=_cut_lifeline, note=ctx.processes.append)
    except OSError as error:
        if error.errno == errno.E2BIG:
            raise ToolInputError(
                "tools.shell.run: command and env together are longer than the system allows"
            ) from None
        raise


def _cut_lifeline(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _environment(ctx: ToolContext, given: ShellInput, home: str) -> dict[str, str]:
    own = {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": home,
        "HIGHWAY_ATTEMPT": str(ctx.attempt),
        "HIGHWAY_WORKFLOW_RUN_ID": str(ctx.workflow_run_id),
        "HIGHWAY_STEP": ctx.step_key,
        "HIGHWAY_IDEMPOTENCY_KEY": ctx.idempotency_key,
    }
    return own | {name: str(value) for name, value in given.env.items()}


def _existing(cwd: str) -> str:
    if "\0" in cwd or not os.path.isdir(cwd):  # noqa: PTH112 - any text may come in here
        raise ToolInputError(f"tools.shell.run: cwd: there is no folder {cwd!r} on this worker")
    return cwd


def _failure(ended: Ended) -> str:
    code = ended.returncode
    what = f"exit code {code}"
    if code > 128 and code - 128 in signal.valid_signals():
        what = f"{what} ({signal.Signals(code - 128).name})"
    lines = (ended.stderr.text().strip() or ended.stdout.text().strip()).splitlines()[-_ERROR_LINES:]
    said = "\n".join(lines)[-_ERROR_CHARACTERS:].replace("\0", "\ufffd")
    return f"{what}: {said}" if said else what
