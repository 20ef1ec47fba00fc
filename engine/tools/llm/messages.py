"""A talk with a language model, the same for every kind of server; each dialect writes and reads its own form of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, cast

from engine.model.json import Json, JsonObject
from engine.tools.errors import ToolError

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """What a model wants called. ``id`` is its own name for this call."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. An assistant's may hold ``calls``; a tool's answers the call ``call_id`` of the function ``name``."""

    role: Role
    content: str
    calls: tuple[FunctionCall, ...] = ()
    call_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """What a model may call; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a model. ``wants_json`` without a ``schema`` is any JSON object. ``length_field``: what OpenAI's dialect calls ``max_tokens``."""

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    wants_json: bool = False
    schema: JsonObject | None = None
    functions: tuple[Function, ...] = ()
    length_field: str = "max_tokens"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said. ``usage`` has prompt_tokens, completion_tokens and total_tokens, 0 where the server does not say."""

    text: str
    model: str
    finish_reason: str
    usage: dict[str, int] = field(default_factory=dict)
    calls: tuple[FunctionCall, ...] = ()


def usage(prompt: Json, completion: Json) -> dict[str, int]:
    """Tokens in the form of every reply."""
    asked, said = (value if isinstance(value, int) else 0 for value in (prompt, completion))
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def arguments(given: Json) -> Json:
    """The arguments of a call, which some servers write as text; text that is no JSON stays text, for the model to be told."""
    if not isinstance(given, str):
        return given
    try:
        return cast(Json, json.loads(given or "{}"))
    except (ValueError, RecursionError):
        return given


def part(answer: Json, *path: str | int) -> JsonObject:
    """The object at a place of an answer. Raises a `ToolError` when the answer has another form: a server may do better the next time."""
    found: Json = answer
    for step in path:
        if isinstance(found, dict) and isinstance(step, str):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            found = None
    if not isinstance(found, dict):
        raise unreadable(f"it has no {'.'.join(map(str, path)) or 'object'}")
    return found


def unreadable(why: str) -> ToolError:
    """The server answered with success, and with something else than its protocol says."""
    return ToolError(f"the model's server gave an answer that cannot be read: {why}", type="UnreadableAnswer")
