"""The dialect of `/v1/chat/completions` and `/v1/embeddings`, which most servers speak. Source: OpenAI's API reference."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.model.json import Json, JsonObject
from engine.tools.llm.messages import Ask, FunctionCall, Message, Reply, arguments, part, unreadable, usage

CHAT = "chat/completions"
EMBED = "embeddings"


def chat_body(ask: Ask) -> JsonObject:
    """The request of a chat. JSON is asked for in the form that the most servers know; what the schema says stands in the messages."""
    body: JsonObject = {"model": ask.model, "messages": [_message(message) for message in ask.messages]}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    if ask.max_tokens is not None:
        body[ask.length_field] = ask.max_tokens
    if ask.wants_json:
        body["response_format"] = {"type": "json_object"}
    if ask.functions:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
            }
            for each in ask.functions
        ]
    return body


def chat_reply(answer: Json) -> Reply:
    """What the server answered to a chat."""
    said, whole = part(answer, "choices", 0), part(answer)
    message = part(said, "message")
    counted = whole.get("usage")
    tokens = counted if isinstance(counted, dict) else {}
    calls = message.get("tool_calls")
    return Reply(
        text=str(message.get("content") or ""),
        model=str(whole.get("model") or ""),
        finish_reason=str(said.get("finish_reason") or ""),
        usage=usage(tokens.get("prompt_tokens"), tokens.get("completion_tokens")),
        calls=tuple(_call(call) for call in calls) if isinstance(calls, list) else (),
    )


def embed_body(model: str, texts: Sequence[str]) -> JsonObject:
    """The request of embeddings, one for each text."""
    return {"model": model, "input": list(texts), "encoding_format": "float"}


def embeddings(answer: Json) -> list[Json]:
    """The vectors, in the order of the texts: the server may give them in another."""
    data = part(answer).get("data")
    if not isinstance(data, list):
        raise unreadable("it has no data")
    found = [part(entry) for entry in data]
    try:
        return [entry["embedding"] for entry in sorted(found, key=lambda entry: int(str(entry.get("index", 0))))]
    except (KeyError, ValueError) as error:
        raise unreadable("an entry has no embedding or no index") from error


def _message(message: Message) -> JsonObject:
    written: JsonObject = {"role": message.role, "content": message.content}
    if message.calls:
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.calls
        ]
    if message.role == "tool":
        written["tool_call_id"] = message.call_id
    return written


def _call(call: Json) -> FunctionCall:
    function = part(call, "function")
    return FunctionCall(
        str(part(call).get("id") or ""), str(function.get("name") or ""), arguments(function.get("arguments"))
    )
