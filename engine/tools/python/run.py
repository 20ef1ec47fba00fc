"""Call a function of an uploaded artifact or of a stored module, as durable code is called."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints, field_validator

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.model.requests import Request
from engine.ports import Code
from engine.tools.code.durable import Call, call_durable
from engine.tools.code.run import Seconds
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput

_DOTTED = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*[.:][A-Za-z_][A-Za-z0-9_]*$"


class PythonInput(ToolInput):
    """``module.function``, and where it is: an artifact by its id, else the stored module that the name begins with, newest or of a version.

    Every other argument of the task goes to the function, behind its ``ctx``: positional ones in their order, named ones by their names (``args``
    and ``kwargs`` do the same, for names that are taken here). ``timeout_seconds`` bounds each stretch of work between two waits.
    """

    function: Annotated[str, StringConstraints(pattern=_DOTTED, max_length=500)]
    args: list[JsonValue] = Field(default_factory=list)
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    artifact_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    module_version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    timeout_seconds: Seconds | None = None

    @field_validator("function", mode="before")
    @classmethod
    def _names_a_module(cls, function: object) -> object:
        if isinstance(function, str) and not {".", ":"} & set(function):
            raise ValueError("give module.function: the code is found by its module")
        return function


def run(ctx: ToolContext, given: PythonInput) -> Json | Request:
    """Call a function of stored code with a durable context, in the sandbox: ``function(ctx, *args, **kwargs)``.

    ``ctx`` is that of `tools.code.durable`: what was done by it is never done again. A run keeps the code that it has used first, whatever is
    uploaded later; a module without a version is the one that was the newest when the run was made. The step's result is what the function
    returns. No network, no secrets, and the standard library beside the code.
    """
    code = _code(ctx, given)
    call = Call("", given.function.replace(":", "."), given.kwargs, given.args, code.content)
    return call_durable(ctx, call, given.timeout_seconds)


def _code(ctx: ToolContext, given: PythonInput) -> Code:
    if ctx.code is None:
        raise RuntimeError(f"step {ctx.step_key}: this worker has no store of code")
    if given.artifact_id is not None:
        found = ctx.code.artifact(ctx.tenant_id, ctx.workflow_run_id, given.artifact_id)
        wanted = f"artifact {given.artifact_id}"
    else:
        name = given.function.replace(":", ".").partition(".")[0]
        found = ctx.code.module(ctx.tenant_id, ctx.workflow_run_id, name, given.module_version)
        wanted = f"module {name}" + (f" of version {given.module_version}" if given.module_version else "")
    if found is None:
        raise ToolError(f"there is no {wanted}: upload it first", type="NoCode", retryable=False)
    return found
