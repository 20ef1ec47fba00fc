"""Have a project scheduled in the sandbox: the file is its author's, and scheduling one can take as long as its author likes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

from pydantic import BaseModel, Field, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.ports import SandboxJob, SandboxLimits
from engine.tools.code.run import refuse_killed
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput

MAX_SECONDS = 120.0
_PROGRAM = Path(__file__).with_name("inside") / "plan.py"
_MODULES = ("scriptplan", "lark", "dateutil", "tzdata")
_MARK = "\x1e"
_PROBLEM_CHARACTERS = 2_000


class WindowsInput(ToolInput):
    """A project in the .tjp language of `scriptplan`: its tasks, resources, working hours and what depends on what."""

    project: Annotated[str, StringConstraints(min_length=1, max_length=256 * 1024)]
    timeout_seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)] = 30.0


class PlannedTask(BaseModel):
    """One task of the project. Times are of UTC; null where it has none."""

    id: str
    name: str
    start: str | None
    end: str | None
    is_leaf: bool


class WindowsOutput(BaseModel):
    """Tasks in the order of the project, and their windows by id."""

    tasks: list[PlannedTask]
    windows: dict[str, dict[str, str | None]]


def windows(ctx: ToolContext, given: WindowsInput) -> Json:
    """When each task of a project starts and ends. Returns ``{"tasks", "windows": {id: {"start", "end"}}}``, times in UTC.

    ``{{plan.windows["build.test"].start}}`` is then a time that a `wait` can wait until. Needs the package `scriptplan` on the worker.
    """
    seconds = ctx.bounded(given.timeout_seconds)
    limits = SandboxLimits(wall_seconds=seconds, cpu_seconds=max(1, int(seconds)), output_bytes=4 * 1024 * 1024)
    job = SandboxJob(_PROGRAM.read_text(), files={"project": given.project.encode()}, modules=_MODULES, limits=limits)
    try:
        result = ctx.sandbox.run(job, ctx.cancelled, ctx.processes.append)
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed on this worker: its operator can `pip install scriptplan`"
        raise ToolError(message, type="NotInstalled", retryable=False) from None
    refuse_killed(result, limits)
    _, mark, text = result.stdout.rpartition(_MARK)
    if not mark:
        raise ToolError(f"the project could not be scheduled (exit code {result.returncode})", type="ExitCode")
    return _answer(cast(JsonObject, json.loads(text)))


def _answer(report: JsonObject) -> JsonObject:
    if "problem" in report:
        raise ToolError(str(report["problem"])[:_PROBLEM_CHARACTERS], type="InvalidProject", retryable=False)
    tasks = cast(list[JsonObject], report["tasks"])
    by_id: JsonObject = {str(task["id"]): {"start": task["start"], "end": task["end"]} for task in tasks}
    return {"tasks": cast(Json, tasks), "windows": by_id}
