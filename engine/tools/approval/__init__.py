"""`tools.approval.request`: people decide whether the run goes on. The engine keeps the question and counts the votes; the tool only asks."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field, JsonValue, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.kit.json_text import NotJsonError, dumps
from engine.model.json import JsonObject
from engine.model.requests import AskApproval, Request
from engine.tools.errors import ToolInputError
from engine.tools.spec import ToolInput, ToolSpec

MAX_DATA = 64 * 1024  # characters of JSON: people read it, and each list of questions carries it

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Names = Annotated[list[Name], Field(max_length=50)]
Quorum = Annotated[int, Field(ge=1, le=50)]


class Stage(ToolInput):
    """Who decides, and how many of them have to agree. No approvers: whoever may decide approvals at all."""

    approvers: Names = []
    quorum: Quorum = 1


class RequestInput(ToolInput):
    """The question, who decides it, and what becomes of it when nobody does."""

    message: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
    timeout_seconds: Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)] = 3600
    approvers: Names = []
    quorum: Quorum = 1
    stages: Annotated[list[Stage], Field(min_length=1, max_length=10)] | None = None
    on_expiry: Literal["fail", "approve", "reject"] = "fail"
    allow_self: bool = False
    approval_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@-]{1,200}$")] | None = None
    data: JsonValue = None


def request(_ctx: ToolContext, given: RequestInput) -> Request:
    """Ask people whether to go on, and wait for their decision.

    ``approvers`` are people (their email address), ``role:<name>`` or nobody in particular; ``quorum`` of them have to agree, one who rejects is
    enough. ``stages`` (each with ``approvers`` and ``quorum``) are decided one after another, in place of these two. Each person speaks once, and
    whoever started the run has no say unless ``allow_self``. ``data`` is shown with the question. When nobody decides within ``timeout_seconds``,
    the step fails (kind approval_expired) or counts as ``on_expiry`` says.

    Returns ``{"approval_id", "status", "approved", "approver", "expired", "timestamp", "votes"}``; status is approved or rejected.
    """
    stages = given.stages or [Stage(approvers=given.approvers, quorum=given.quorum)]
    if given.stages and (given.approvers or given.quorum != 1):
        raise ToolInputError(
            "tools.approval.request: stages take the place of approvers and quorum: give one or the other"
        )
    for stage in stages:
        _check_quorum(stage)
    _check_data(given.data)
    return AskApproval(
        given.message,
        [cast(JsonObject, stage.model_dump()) for stage in stages],
        given.timeout_seconds,
        given.on_expiry,
        given.allow_self,
        given.approval_key,
        given.data,
    )


def _check_quorum(stage: Stage) -> None:
    people = set(stage.approvers)
    if people and len(people) < stage.quorum and not any(name.startswith("role:") for name in people):
        raise ToolInputError(f"tools.approval.request: {stage.quorum} have to agree and only {len(people)} are asked")


def _check_data(data: JsonValue) -> None:
    try:
        size = len(dumps(data))
    except NotJsonError as error:
        raise ToolInputError(f"tools.approval.request: data is {error}") from error
    if size > MAX_DATA:
        raise ToolInputError(
            f"tools.approval.request: data has {size:,} characters of JSON, at most {MAX_DATA:,} are shown to people"
        )


TOOLS = (ToolSpec("tools.approval.request", request, RequestInput, side_effect="idempotent", inline=True),)
