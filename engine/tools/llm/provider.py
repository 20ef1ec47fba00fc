"""The servers of models that the deployment has named: who may use them, and one request to one of them."""

from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType
from typing import cast

import httpcore2
import httpx2

from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.kit.json_text import storable
from engine.model.json import Json, JsonObject
from engine.ports import ModelProvider
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.http.body import ACCEPTED_ENCODINGS, read_body
from engine.tools.http.network import Network
from engine.tools.http.retry_after import retry_after
from engine.tools.http.transport import Transport
from engine.tools.llm import ollama, openai
from engine.tools.llm.messages import Ask, Reply, unreadable

DEFAULT_SECONDS = 120.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_RETRY_MAY_HELP = {408, 409, 425, 429}
_DIALECTS: dict[str, ModuleType] = {"openai": openai, "ollama": ollama}


def provider_of(ctx: ToolContext, name: str, model: str) -> ModelProvider:
    """The provider, if this tenant may use it with this model. Whose provider it is else is not told."""
    mine = {
        name: provider
        for name, provider in ctx.services.models.items()
        if provider.tenants is None or ctx.tenant_id in provider.tenants
    }
    provider = mine.get(name)
    if provider is None:
        known = ", ".join(sorted(mine)) or "none"
        raise ToolInputError(f"there is no provider of models {name!r} for this tenant; there is: {known}")
    if provider.models is not None and model not in provider.models:
        raise ToolInputError(f"{name} has no model {model!r}; it has: {', '.join(sorted(provider.models))}")
    return provider


def chat(ctx: ToolContext, provider: ModelProvider, ask: Ask, *, key: str, seconds: float | None = None) -> Reply:
    """One request to a model. ``key`` is the same over all attempts at this very request, and goes along as Idempotency-Key."""
    dialect = _DIALECTS[provider.kind]
    body = dialect.chat_body(replace(ask, length_field=provider.length_field))
    answer = _post(ctx, provider, dialect.CHAT, body, key=key, seconds=seconds)
    return cast(Reply, dialect.chat_reply(answer))


def embed(ctx: ToolContext, provider: ModelProvider, model: str, texts: list[str], *, key: str) -> list[list[float]]:
    """The vectors of texts, in their order and all of one length."""
    dialect = _DIALECTS[provider.kind]
    found = dialect.embeddings(
        _post(ctx, provider, dialect.EMBED, dialect.embed_body(model, texts), key=key, seconds=None)
    )
    if len(found) != len(texts) or len({len(vector) if isinstance(vector, list) else 0 for vector in found}) != 1:
        raise unreadable("it has not one vector for each text")
    if not all(isinstance(number, int | float) for number in found[0]) or not found[0]:
        raise unreadable("a vector is none")
    return [[float(number) for number in vector] for vector in found]


def _post(
    ctx: ToolContext, provider: ModelProvider, path: str, body: JsonObject, *, key: str, seconds: float | None
) -> Json:
    # What the deployment has configured may stand inside; a workflow cannot name an address here, and redirects are not followed.
    network = Network(allow_internal=True, seconds=ctx.bounded(seconds or DEFAULT_SECONDS))
    ctx.cancelled.on_set(network.abort)
    secret = provider.credential() if provider.credential else ""
    headers = {"accept-encoding": ACCEPTED_ENCODINGS, "user-agent": "highway-platform", "idempotency-key": key}
    if secret:
        headers["authorization"] = f"Bearer {secret}"
    url = f"{provider.base_url.rstrip('/')}/{path}"
    try:
        with httpx2.Client(transport=Transport(network), trust_env=False, timeout=None) as client:
            reach(FaultPoint.CALL_BEFORE)
            response = client.send(client.build_request("POST", url, headers=headers, json=body), stream=True)
            reach(FaultPoint.CALL_ANSWERED)
            try:
                content = read_body(response, MAX_ANSWER_BYTES)
            finally:
                response.close()
    except httpcore2.TimeoutException as error:
        raise ToolTimeout("the model's server did not answer in time") from error
    except (httpx2.HTTPError, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        if ctx.cancelled.is_set():
            raise ToolCancelled from error
        raise ToolError(f"the model's server cannot be reached: {error}", type=type(error).__name__) from error
    if not response.is_success:
        raise _refusal(response, content, secret)
    return _json(content)


def _json(content: bytes) -> Json:
    try:
        return storable(cast(Json, json.loads(content)))  # what no result could hold is no reason to ask again
    except (ValueError, RecursionError) as error:
        raise unreadable(f"it is no JSON ({type(error).__name__})") from None


def _refusal(response: httpx2.Response, content: bytes, secret: str) -> ToolError:
    status = response.status_code
    said = _said(content)
    if secret:
        said = said.replace(secret, "***")
    retryable = status in _RETRY_MAY_HELP or status >= 500
    return ToolError(
        f"the model's server answered {status} {response.reason_phrase}".rstrip() + (f": {said}" if said else ""),
        type=f"Http{status}",
        retryable=retryable,
        retry_after_seconds=retry_after(response) if retryable else None,
    )


def _said(content: bytes) -> str:
    """The server's own words: ``{"error": {"message"}}`` or ``{"error": "..."}``, else the beginning of the body."""
    text = content.decode(errors="replace")
    try:
        error = json.loads(text)["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # not JSON of that form: the body speaks for itself
    return text[:500].strip()
