"""Make an HTTP call and answer with what came back."""

from __future__ import annotations

from typing import Any

import httpcore2
import httpx2

from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.model.json import Json, JsonObject
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.http.body import ACCEPTED_ENCODINGS, body_json, body_text, read_body
from engine.tools.http.input import HttpInput
from engine.tools.http.network import Network
from engine.tools.http.retry_after import retry_after
from engine.tools.http.transport import Transport

MAX_REDIRECTS = 5
DEFAULT_SECONDS = 30.0
_UNREPEATABLE = {"POST", "PUT", "PATCH", "DELETE"}
_RETRY_MAY_HELP = {408, 425, 429}
_WRONG_REQUEST = (
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
    httpcore2.UnsupportedProtocol,
    httpcore2.LocalProtocolError,
)
_WRONG_ON_THE_WAY = (httpx2.HTTPError, httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)
# All that goes along to another origin; the caller's other headers may be secrets of the first one.
_KEPT_ACROSS_ORIGINS = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}


def request(ctx: ToolContext, given: HttpInput) -> Json:
    """Call an HTTP server. Returns ``{"status_code", "headers", "response", "body_json"}``.

    ``headers`` have lower-case names, ``response`` is the body as text, ``body_json`` the same read as JSON where the content type says so,
    else null. Statuses that a later attempt may change (408, 425, 429, 500 and above) fail the step, so that its retry policy applies (a
    Retry-After of up to an hour delays the next attempt); every other status is an answer. With ``check`` false these are answers too. Requests
    that change something carry an Idempotency-Key header that is the same over all attempts. Only public addresses can be called; up to 5
    redirects are followed.
    """
    if given.allow_internal and not ctx.http_policy.allow_internal:
        raise ToolError(
            "this tenant's policy does not allow calls to internal addresses", type="AddressRefused", retryable=False
        )
    network = Network(allow_internal=given.allow_internal, seconds=ctx.bounded(given.seconds or DEFAULT_SECONDS))
    ctx.cancelled.on_set(network.abort)
    try:
        with httpx2.Client(transport=Transport(network), trust_env=False, timeout=None) as client:
            response, body = _exchange(client, _request(ctx, given, client), given, ctx.http_policy.max_response_bytes)
    except (*_WRONG_REQUEST, *_WRONG_ON_THE_WAY) as error:
        raise _translated(ctx, given, error) from error
    return _answer(given, response, body)


def _request(ctx: ToolContext, given: HttpInput, client: httpx2.Client) -> httpx2.Request:
    headers = {"accept-encoding": ACCEPTED_ENCODINGS, "user-agent": "highway-platform"}
    if given.method in _UNREPEATABLE:
        headers["idempotency-key"] = ctx.idempotency_key
    headers |= {name.lower(): str(value) for name, value in given.headers.items()}
    url = httpx2.URL(given.url).copy_merge_params(given.params)
    try:
        return client.build_request(given.method, url, headers=headers, **_body(given))
    except ValueError as error:  # text that cannot be encoded
        raise ToolInputError(f"tools.http.request: {error}") from None


def _body(given: HttpInput) -> dict[str, Any]:
    json = given.json_body if given.json_body is not None else given.json_data
    if json is not None:
        return {"json": json}
    if isinstance(given.data, dict):
        return {"data": given.data}
    text = given.data if given.data is not None else given.body
    return {} if text is None else {"content": text.encode()}


def _exchange(
    client: httpx2.Client, request: httpx2.Request, given: HttpInput, max_bytes: int
) -> tuple[httpx2.Response, bytes]:
    """Send, and follow redirects; each hop opens its connection through the same checked network."""
    for _ in range(MAX_REDIRECTS + 1):
        reach(FaultPoint.CALL_BEFORE)
        response = client.send(request, stream=True)
        reach(FaultPoint.CALL_ANSWERED)
        try:
            following = response.next_request if given.follow_redirects else None
            if following is None:
                return response, read_body(response, max_bytes)
        finally:
            response.close()
        request = _without_secrets(request, following)
    raise ToolError(f"more than {MAX_REDIRECTS} redirects", type="TooManyRedirects", retryable=False)


def _without_secrets(before: httpx2.Request, following: httpx2.Request) -> httpx2.Request:
    if _origin(before.url) != _origin(following.url):
        for name in set(following.headers) - _KEPT_ACROSS_ORIGINS:
            del following.headers[name]
    return following


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _answer(given: HttpInput, response: httpx2.Response, body: bytes) -> Json:
    text = body_text(response, body)
    answer: JsonObject = {
        "status_code": response.status_code,
        "headers": dict(response.headers.items()),
        "response": text,
        "body_json": body_json(response, text),
    }
    status = response.status_code
    if given.check and (status in _RETRY_MAY_HELP or status >= 500):
        message = f"{given.method} {_shown(given)} answered {status} {response.reason_phrase}".rstrip()
        raise ToolError(message, type=f"Http{status}", data=answer, retry_after_seconds=retry_after(response))
    return answer


def _translated(ctx: ToolContext, given: HttpInput, error: Exception) -> ToolError:
    what = f"{given.method} {_shown(given)}"
    if ctx.cancelled.is_set():
        return ToolCancelled()
    if isinstance(error, httpcore2.TimeoutException):
        return ToolTimeout(f"{what} was not done in time")
    if isinstance(
        error,
        httpx2.InvalidURL | httpx2.UnsupportedProtocol | httpcore2.UnsupportedProtocol | httpcore2.LocalProtocolError,
    ):
        return ToolInputError(f"tools.http.request: {what}: {error}")
    return ToolError(f"{what} failed: {error}", type=type(error).__name__)


def _shown(given: HttpInput) -> str:
    """The URL without what may be secret in it: user, password, query."""
    return str(httpx2.URL(given.url).copy_with(username="", password="", query=None, fragment=None))
