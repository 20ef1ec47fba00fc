"""The dialect of Ollama's `/api/chat` and `/api/embed`. Source: docs/api.md of the project."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.json import Json, JsonObject
from engine.tools.llm.messages import Ask, FunctionCall, Message, Reply, arguments, part, unreadable, usage

CHAT = "api/chat"
EMBED = "api/embed"


def chat_body(ask: Ask) -> JsonObject:
    """The request of a chat; the server holds the model to a schema by itself."""
    options: JsonObject = {}
    if ask.temperature is not None:
        options["temperature"] = ask.temperature
    if ask.max_tokens is not None:
        options["num_predict"] = ask.max_tokens
    messages: list[Json] = [_message(message) for message in ask.messages]
    body: JsonObject = {"model": ask.model, "messages": messages, "stream": False, "options": options}
    if ask.wants_json:
        body["format"] = ask.schema or "json"
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
    """What the server answered to a chat. It has no ids for calls: their place is their name."""
    whole, message = part(answer), part(answer, "message")
    calls = message.get("tool_calls")
    return Reply(
        text=str(message.get("content") or ""),
        model=str(whole.get("model") or ""),
        finish_reason=str(whole.get("done_reason") or ""),
        usage=usage(whole.get("prompt_eval_count"), whole.get("eval_count")),
        calls=tuple(_call(call, index) for index, call in enumerate(calls)) if isinstance(calls, list) else (),
    )


def embed_body(model: str, texts: Sequence[str]) -> JsonObject:
    """The request of embeddings, one for each text."""
    return {"model": model, "input": list(texts)}


def embeddings(answer: Json) -> list[Json]:
    """The vectors, in the order of the texts."""
    found = part(answer).get("embeddings")
    if not isinstance(found, list):
        raise unreadable("it has no embeddings")
    return found


def _message(message: Message) -> JsonObject:
    written: JsonObject = {"role": message.role, "content": message.content}
    if message.calls:
        written["tool_calls"] = [
            {"function": {"name": call.name, "arguments": call.arguments}} for call in message.calls
        ]
    if message.role == "tool":
        written["tool_name"] = message.name
    return written


def _call(call: Json, index: int) -> FunctionCall:
    function = part(call, "function")
    return FunctionCall(f"call-{index}", str(function.get("name") or ""), arguments(function.get("arguments")))
