"""Divide a goal: each subgoal is a child run of a workflow that works on it."""

from __future__ import annotations

import json
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.model.requests import AwaitBranches, Request, RunChild
from engine.tools.agent.goal import Goal, GoalReference, goal_of
from engine.tools.agent.journal import Journal, Suspended
from engine.tools.errors import ToolError
from engine.tools.llm.call import unfenced
from engine.tools.llm.json_schema import problems
from engine.tools.llm.messages import Ask, Message
from engine.tools.llm.provider import chat, provider_of

MAX_SUBGOALS = 50


class SubgoalsInput(GoalReference):
    """A goal, and the workflow that works on one subgoal: its runs get ``goal`` (the subgoal), ``parent_goal``, ``index`` and ``inputs``.

    Without ``subgoals`` the goal's model divides it, into ``max_subgoals`` at most. ``wait`` false starts them and goes on.
    """

    workflow_name: Annotated[str, Field(min_length=1, max_length=300)]
    subgoals: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=20_000)]], Field(max_length=MAX_SUBGOALS)
    ] = Field(default_factory=list)
    max_subgoals: Annotated[int, Field(ge=1, le=MAX_SUBGOALS)] = 5
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    wait: bool = True
    timeout_seconds: Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)] | None = None


class Subgoal(BaseModel):
    """One part of the goal: the key of its child run, and how that ended; ``status`` is started where nobody waits for it."""

    goal: str
    key: str
    status: str
    result: JsonValue
    error: JsonValue


class SubgoalsOutput(BaseModel):
    """The goal and its parts, in their order."""

    goal: str
    subgoals: list[Subgoal]


def spawn_subgoals(ctx: ToolContext, given: SubgoalsInput) -> Json | Request:
    """Divide a goal, start a child run for each part, and wait for all. Returns ``{"goal", "subgoals": [{"goal", "key", "status", "result", "error"}]}``.

    A child that fails does not fail the step: its status says so.
    """
    goal = goal_of(ctx, given)
    journal = Journal(ctx)
    try:
        parts = given.subgoals or _divided(ctx, journal, goal, given.max_subgoals)
        keys = [
            journal.spawn(f"subgoal-{index}", _child(given, goal, part, index)) for index, part in enumerate(parts, 1)
        ]
        ends: dict[str, Any] = {}
        if given.wait and keys:
            wait = AwaitBranches({key: key for key in keys}, None, given.timeout_seconds, fail_on_error=False)
            ends = cast(dict[str, Any], journal.wait("subgoals", wait))
    except Suspended as suspended:
        return suspended.request
    return {"goal": goal.goal, "subgoals": [_subgoal(part, key, ends) for part, key in zip(parts, keys, strict=True)]}


def _child(given: SubgoalsInput, goal: Goal, part: str, index: int) -> RunChild:
    inputs: JsonObject = {**given.inputs, "goal": part, "parent_goal": goal.goal, "index": index}
    return RunChild(workflow_name=given.workflow_name, inputs=inputs)


def _subgoal(part: str, key: str, ends: dict[str, Any]) -> JsonObject:
    end = ends.get(key, {})
    return {
        "goal": part,
        "key": key,
        "status": end.get("status", "started"),
        "result": end.get("result"),
        "error": end.get("error"),
    }


def _divided(ctx: ToolContext, journal: Journal, goal: Goal, most: int) -> list[str]:
    """The model's own division, asked for once."""
    provider = provider_of(ctx, goal.provider, goal.model)
    item: JsonObject = {"type": "string", "minLength": 1, "maxLength": 20_000}
    schema: JsonObject = {
        "type": "object",
        "properties": {"subgoals": {"type": "array", "items": item, "minItems": 1, "maxItems": most}},
        "required": ["subgoals"],
    }
    said = f"Divide the goal into at most {most} parts that can be worked on apart. Answer with JSON that fits: {json.dumps(schema)}"
    messages = (Message("system", said), Message("user", goal.goal))
    ask = Ask(goal.model, messages, goal.temperature, goal.max_tokens, wants_json=True, schema=schema)

    def divide(key: str) -> Json:
        reply = chat(ctx, provider, ask, key=key, seconds=goal.timeout_seconds)
        try:
            plan = cast(Json, json.loads(unfenced(reply.text)))
        except (ValueError, RecursionError):
            plan = None
        if wrong := problems(plan, schema):
            raise ToolError(
                f"the model's division of the goal cannot be used: {'; '.join(wrong)}", type="InvalidAnswer"
            )
        return cast(JsonObject, plan)["subgoals"]

    return cast(list[str], journal.once("model", "division", divide))
