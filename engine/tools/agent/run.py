"""Work towards a goal: turns of a model, each with the tools that it wants called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.model.requests import Request
from engine.tools.agent.goal import AllowedTool, Goal, GoalReference, goal_of, goals_in, keep
from engine.tools.agent.journal import Journal, Suspended
from engine.tools.errors import ToolInputError
from engine.tools.llm.messages import Ask, Function, FunctionCall, Message
from engine.tools.llm.provider import chat, provider_of
from engine.tools.results import storable_text

GIVE_UP = "give_up"
MAX_CALLS_A_TURN = 16
MAX_SHOWN_BYTES = 32 * 1024  # of a tool's result, to the model
_ASIDE: Function = Function(
    GIVE_UP,
    "Say that the goal cannot be achieved, and why.",
    {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]},
)


class RunGoalInput(GoalReference):
    """The goal to work towards: its name, or what `tools.agent.init_goal` gave."""


def run_goal(ctx: ToolContext, given: RunGoalInput) -> Json | Request:
    """Let a model work towards a goal with the tools that the goal allows, until it answers without a call, gives up, or has had its turns.

    Returns the goal with ``status``, ``result``, ``turns`` and ``calls``, and keeps it. Each turn of the model and each call of a tool is a
    checkpoint: after a wait, a retry or the death of a worker none is done again. A tool that fails is told to the model, which decides what
    follows; a model that fails fails the attempt. A goal that is not open any more is given back as it stands.
    """
    goal = goal_of(ctx, given)
    try:
        return keep(ctx, goal if goal.status != "open" else _Work(ctx, goal).done())
    except Suspended as suspended:
        return suspended.request


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the model said in one turn, as it is noted."""

    text: str
    calls: tuple[FunctionCall, ...]
    tokens: int

    def to_json(self) -> JsonObject:
        calls: list[Json] = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in self.calls]
        return {"text": self.text, "calls": calls, "tokens": self.tokens}

    @classmethod
    def from_json(cls, noted: Json) -> _Turn:
        given = cast(JsonObject, noted)
        calls = cast(list[dict[str, str]], given["calls"])
        return cls(
            str(given["text"]),
            tuple(FunctionCall(call["id"], call["name"], call["arguments"]) for call in calls),
            cast(int, given["tokens"]),
        )


class _Work:
    """One stretch of the work; what was done in earlier ones is found in the journal."""

    def __init__(self, ctx: ToolContext, goal: Goal) -> None:
        self._ctx = ctx
        self._goal = goal
        self._journal = Journal(ctx, reserved=goals_in(ctx))  # a model must not widen what it is allowed
        self._provider = provider_of(ctx, goal.provider, goal.model)
        for allowed in goal.tools:
            self._journal.require(allowed.tool)
        self._allowed: Mapping[str, AllowedTool] = {_function_name(each.tool): each for each in goal.tools}
        if len(self._allowed) < len(goal.tools):
            raise ToolInputError("the goal allows two tools that a model cannot tell apart by their names")
        self._functions = (*(self._function(name, each) for name, each in self._allowed.items()), _ASIDE)
        self._messages = [Message("system", _instructions(goal)), Message("user", goal.goal)]
        self._called: list[str] = []
        self._tokens = 0

    def done(self) -> Goal:
        for number in range(1, self._goal.max_turns + 1):
            self._ctx.heartbeat({"turn": number})
            turn = _Turn.from_json(self._journal.once("model", f"turn-{number}", self._ask))
            self._tokens += turn.tokens
            self._messages.append(Message("assistant", turn.text, turn.calls))
            if not turn.calls:
                return self._ended("achieved", number, result=turn.text)
            for index, call in enumerate(turn.calls, 1):
                if call.name == GIVE_UP:
                    return self._ended("given_up", number, reason=_reason(call))
                said = self._outcome(f"turn-{number}.call-{index}", index, call)
                self._messages.append(Message("tool", said, call_id=call.id, name=call.name))
        return self._ended("out_of_turns", self._goal.max_turns)

    def _ask(self, key: str) -> Json:
        goal = self._goal
        ask = Ask(goal.model, tuple(self._messages), goal.temperature, goal.max_tokens, functions=self._functions)
        reply = chat(self._ctx, self._provider, ask, key=key, seconds=goal.timeout_seconds)
        return _Turn(storable_text(reply.text, 1_000_000), reply.calls, reply.usage["total_tokens"]).to_json()

    def _outcome(self, name: str, index: int, call: FunctionCall) -> str:
        """What the model is told of a call: its result or its error, as JSON, cut where it is long."""
        told = self._told(name, index, call)
        return storable_text(json.dumps(told, ensure_ascii=False), MAX_SHOWN_BYTES)

    def _told(self, name: str, index: int, call: FunctionCall) -> Json:
        allowed = self._allowed.get(call.name)
        if allowed is None:
            return _error(f"there is no function {call.name!r}")
        if not isinstance(call.arguments, dict):
            return _error("the arguments are no JSON object")
        if index > MAX_CALLS_A_TURN:
            return _error(f"more than {MAX_CALLS_A_TURN} calls in one turn: it was not made")
        self._called.append(allowed.tool)
        return self._journal.outcome(name, allowed.tool, {**call.arguments, **allowed.fixed})

    def _function(self, name: str, allowed: AllowedTool) -> Function:
        toolbox = self._journal.toolbox
        schema = dict(toolbox.parameters(allowed.tool))
        properties = cast(JsonObject, schema.get("properties", {}))
        required = cast(list[Json], schema.get("required", []))
        schema["properties"] = {key: value for key, value in properties.items() if key not in allowed.fixed}
        schema["required"] = [key for key in required if key not in allowed.fixed]
        return Function(name, toolbox.summary(allowed.tool), schema)

    def _ended(self, status: str, turns: int, result: Json = None, reason: str = "") -> Goal:
        changes = {"status": status, "turns": turns, "result": result, "reason": reason}
        return self._goal.model_copy(update={**changes, "calls": self._called, "tokens": self._tokens})


def _function_name(tool: str) -> str:
    """Servers take letters, digits, underscores and hyphens, 64 at most."""
    return tool.removeprefix("tools.").replace(".", "_")[:64]


def _instructions(goal: Goal) -> str:
    criteria = "".join(f"\n- {criterion}" for criterion in goal.criteria)
    parts = [
        goal.system or "You work towards a goal, step by step, with the functions that you are given.",
        f"The goal is achieved when:{criteria}" if criteria else "",
        f"When it is achieved, answer with the result and call nothing. When it cannot be, call {GIVE_UP}.",
    ]
    return "\n\n".join(part for part in parts if part)


def _reason(call: FunctionCall) -> str:
    reason = call.arguments.get("reason") if isinstance(call.arguments, dict) else None
    return storable_text(str(reason or ""), 10_000)


def _error(message: str) -> JsonObject:
    return {"error": message}
