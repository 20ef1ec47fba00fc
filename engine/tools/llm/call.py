"""Ask a language model, and hold it to the form of the answer that was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.ports import ModelProvider
from engine.tools.errors import ToolError
from engine.tools.llm.input import LlmInput
from engine.tools.llm.json_schema import problems
from engine.tools.llm.messages import Ask, Message, Reply
from engine.tools.llm.provider import chat, provider_of
from engine.tools.results import check_result

NOT_JSON = "it is no JSON"


def call(ctx: ToolContext, given: LlmInput) -> Json:
    """Ask a language model. Returns ``{"text", "json", "model", "usage", "finish_reason", "repairs"}``.

    Providers are named by the deployment (OpenAI-compatible servers, Ollama); where they are and with which key is not the workflow's to say.
    408, 409, 425, 429 and 500 and above fail the step in a way that may pass, and ``Retry-After`` delays the next attempt; every other refusal is
    final. The Idempotency-Key is the same over all attempts.
    """
    provider = provider_of(ctx, given.provider, given.model)
    if not given.expects_json:
        return _result(_asked(ctx, provider, given, _ask(given), 0), None, 0)
    return _json_result(ctx, provider, given)


def _ask(given: LlmInput) -> Ask:
    system = given.system if given.system is not None else given.system_prompt
    said = [Message("system", system)] if system is not None else []
    if given.json_schema is not None:
        said.append(Message("system", f"Answer with JSON alone that fits this schema: {json.dumps(given.json_schema)}"))
    elif given.wants_json:
        said.append(Message("system", "Answer with a JSON object alone."))
    said += [Message(message.role, message.content) for message in given.messages]
    if given.prompt is not None:
        said.append(Message("user", given.prompt))
    return Ask(given.model, tuple(said), given.temperature, given.max_tokens, given.expects_json, given.json_schema)


def _json_result(ctx: ToolContext, provider: ModelProvider, given: LlmInput) -> Json:
    ask, used = _ask(given), {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for turn in range(given.max_repairs + 1):
        reply = _asked(ctx, provider, given, ask, turn)
        used = {name: used[name] + reply.usage[name] for name in used}
        value, wrong = _read(reply.text, given.json_schema)
        if not wrong:
            return _result(replace(reply, usage=used), value, turn)
        again = f"That answer cannot be used: {'; '.join(wrong)}. Answer again, with the corrected JSON alone."
        ask = replace(ask, messages=(*ask.messages, Message("assistant", reply.text), Message("user", again)))
    ended = f" (it ended because of {reply.finish_reason})" if reply.finish_reason == "length" else ""
    raise ToolError(f"the model's answer is not what was asked for: {'; '.join(wrong)}{ended}", type="InvalidAnswer")


def _asked(ctx: ToolContext, provider: ModelProvider, given: LlmInput, ask: Ask, turn: int) -> Reply:
    key = ctx.idempotency_key if turn == 0 else f"{ctx.idempotency_key}:repair-{turn}"
    return chat(ctx, provider, ask, key=key, seconds=given.timeout_seconds)


def _read(text: str, schema: JsonObject | None) -> tuple[Json, list[str]]:
    try:
        value = cast(Json, json.loads(unfenced(text)))
        check_result(value)
    except (ValueError, RecursionError, ToolError):
        return None, [NOT_JSON]
    if schema is not None:
        return value, problems(value, schema)
    return value, [] if isinstance(value, dict) else ["it is no JSON object"]


def unfenced(text: str) -> str:
    """The inside of a Markdown block, when the whole text is one: models wrap what they were asked for."""
    lines = text.strip().splitlines()
    if len(lines) >= 2 and lines[0].startswith("```") and lines[-1] == "```" and "`" not in lines[0][3:]:
        return "\n".join(lines[1:-1])
    return text.strip()


def _result(reply: Reply, value: Json, repairs: int) -> JsonObject:
    return {
        "text": reply.text,
        "json": value,
        "model": reply.model,
        "usage": dict(reply.usage),
        "finish_reason": reply.finish_reason,
        "repairs": repairs,
    }
