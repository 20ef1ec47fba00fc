"""`tools.llm.call` against a server that speaks OpenAI's and Ollama's protocols."""

from __future__ import annotations

import datetime as dt
import email.utils
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.durable.tool_context import ToolContext
from engine.ports import ModelProvider, Services
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context
from tests.support.models import ModelServer, model_server

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 1}},
    "required": ["city", "people"],
}


@pytest.fixture(scope="module")
def listening() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture
def server(listening: ModelServer) -> ModelServer:
    listening.forget()
    return listening


def at(server: ModelServer, **changes: Any) -> ToolContext:
    models = {
        "main": ModelProvider("openai", f"{server.url}/v1", lambda: "sk-secret-0123456789"),
        "local": ModelProvider("ollama", f"{server.url}/"),
    }
    return context(services=Services(models=models), **changes)


@pytest.mark.parametrize(("provider", "path"), [("main", "/v1/chat/completions"), ("local", "/api/chat")])
def test_a_prompt_is_answered_in_the_same_form_by_every_kind_of_server(
    server: ModelServer, provider: str, path: str
) -> None:
    server.say("Paris.")
    ctx = at(server)
    answer = call("tools.llm.call", ctx=ctx, provider=provider, model="m", prompt="Capital?", system="Be short.")
    assert answer["text"] == "Paris."
    assert answer["json"] is None
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    assert (answer["finish_reason"], answer["repairs"]) == ("stop", 0)
    asked = server.seen[0]
    assert asked["path"] == path
    assert asked["body"]["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Capital?"},
    ]
    assert asked["headers"]["idempotency-key"] == ctx.idempotency_key


def test_the_key_of_the_deployment_goes_along_and_temperature_and_length_are_passed_on(server: ModelServer) -> None:
    server.say("a")
    server.say("b")
    for provider in ("main", "local"):
        call("tools.llm.call", ctx=at(server), provider=provider, model="m", prompt="x", temperature=0.5, max_tokens=9)
    first, second = server.seen
    assert first["headers"]["authorization"] == "Bearer sk-secret-0123456789"
    assert (first["body"]["temperature"], first["body"]["max_tokens"]) == (0.5, 9)
    assert "authorization" not in second["headers"]
    assert second["body"]["options"] == {"temperature": 0.5, "num_predict": 9}
    assert second["body"]["stream"] is False


def test_a_server_of_newer_models_is_told_the_length_by_its_other_name(server: ModelServer) -> None:
    server.say("a")
    provider = ModelProvider("openai", f"{server.url}/v1", length_field="max_completion_tokens")
    ctx = context(services=Services(models={"new": provider}))
    call("tools.llm.call", ctx=ctx, provider="new", model="m", prompt="x", max_tokens=9)
    body = server.seen[0]["body"]
    assert (body.get("max_completion_tokens"), body.get("max_tokens")) == (9, None)


def test_a_talk_may_be_given_as_messages(server: ModelServer) -> None:
    server.say("three")
    talk = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}, {"role": "user", "content": "?"}]
    call("tools.llm.call", ctx=at(server), provider="main", model="m", messages=talk)
    assert server.seen[0]["body"]["messages"] == talk


def test_json_is_checked_against_the_schema_and_read_out_of_a_markdown_block(server: ModelServer) -> None:
    server.say('```json\n{"city": "Paris", "people": 2100000}\n```')
    answer = call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x", json_schema=SCHEMA)
    assert answer["json"] == {"city": "Paris", "people": 2_100_000}
    assert server.seen[0]["body"]["response_format"] == {"type": "json_object"}


def test_ollama_is_given_the_schema_itself(server: ModelServer) -> None:
    server.say('{"city": "Paris", "people": 1}')
    call("tools.llm.call", ctx=at(server), provider="local", model="m", prompt="x", json_schema=SCHEMA)
    assert server.seen[0]["body"]["format"] == SCHEMA


def test_an_answer_that_does_not_fit_is_sent_back_with_what_is_wrong(server: ModelServer) -> None:
    server.say('{"city": "Paris", "people": "many"}')
    server.say('{"city": "Paris", "people": 5}')
    ctx = at(server)
    answer = call("tools.llm.call", ctx=ctx, provider="main", model="m", prompt="x", json_schema=SCHEMA)
    assert (answer["json"], answer["repairs"]) == ({"city": "Paris", "people": 5}, 1)
    assert answer["usage"]["total_tokens"] == 20
    again = server.seen[1]
    assert "$.people must be of type integer" in again["body"]["messages"][-1]["content"]
    assert again["body"]["messages"][-2] == {"role": "assistant", "content": '{"city": "Paris", "people": "many"}'}
    assert again["headers"]["idempotency-key"] == f"{ctx.idempotency_key}:repair-1"


def test_repairs_are_bounded(server: ModelServer) -> None:
    for _ in range(3):
        server.say("no json", finish="length")
    with pytest.raises(ToolError, match=r"no JSON.*because of length") as refused:
        call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x", json=True, max_repairs=2)
    assert (refused.value.type, refused.value.retryable, len(server.seen)) == ("InvalidAnswer", True, 3)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_server_that_is_busy_or_broken_may_be_asked_again(server: ModelServer, status: int) -> None:
    server.fail(status, {"error": {"message": "slow down"}}, retry_after="7")
    with pytest.raises(ToolError, match=f"{status}.*slow down") as refused:
        call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
    error = refused.value.step_error()
    assert (error.type, error.retryable, error.retry_after_seconds) == (f"Http{status}", True, 7)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_request_that_is_wrong_is_not_repeated(server: ModelServer, status: int) -> None:
    server.fail(status, {"error": "no such model"}, retry_after="7")
    with pytest.raises(ToolError, match="no such model") as refused:
        call("tools.llm.call", ctx=at(server), provider="local", model="m", prompt="x")
    assert (refused.value.retryable, refused.value.retry_after_seconds) == (False, None)


def test_retry_after_may_be_a_date_and_is_bounded(server: ModelServer) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    told = []
    for given in (email.utils.format_datetime(soon, usegmt=True), "999999999", "soon"):
        server.fail(503, "", retry_after=given)
        with pytest.raises(ToolError) as refused:
            call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
        told.append(refused.value.retry_after_seconds)
    assert 60 < told[0] <= 101
    assert told[1:] == [3_600, None]


def test_the_key_never_stands_in_an_error(server: ModelServer) -> None:
    server.fail(401, {"error": {"message": "Incorrect API key provided: sk-secret-0123456789."}})
    with pytest.raises(ToolError, match="Incorrect API key") as refused:
        call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
    assert "sk-secret" not in refused.value.message


def test_what_the_database_cannot_store_is_replaced(server: ModelServer) -> None:
    server.say("a\0b\ud800c")
    answer = call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
    assert answer["text"] == "a\ufffdb?c"


@pytest.mark.parametrize("body", ["{", "[]", {"choices": []}, {"choices": [{"message": None}]}, "[" * 100_000])
def test_an_answer_that_breaks_the_protocol_may_be_asked_for_again(server: ModelServer, body: object) -> None:
    server.fail(200, body)
    with pytest.raises(ToolError, match="cannot be read") as refused:
        call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
    assert (refused.value.type, refused.value.retryable) == ("UnreadableAnswer", True)


def test_a_redirect_is_not_followed(server: ModelServer) -> None:
    server.fail(302, "", location="http://169.254.169.254/latest")
    with pytest.raises(ToolError, match="302") as refused:
        call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x")
    assert (refused.value.retryable, len(server.seen)) == (False, 1)


def test_a_server_that_is_away_or_slow_fails_in_a_way_that_may_pass(server: ModelServer) -> None:
    away = Services(models={"main": ModelProvider("openai", "http://127.0.0.1:9/v1")})
    with pytest.raises(ToolError, match="cannot be reached") as refused:
        call("tools.llm.call", ctx=context(services=away), provider="main", model="m", prompt="x")
    assert refused.value.retryable
    server.hang()
    try:
        with pytest.raises(ToolTimeout):
            call("tools.llm.call", ctx=at(server), provider="main", model="m", prompt="x", timeout_seconds=0.2)
    finally:
        server.let_go.set()


def test_a_cancelled_call_ends_at_once(server: ModelServer) -> None:
    server.hang()
    ctx = at(server)

    def cancel() -> None:
        while not server.seen:
            time.sleep(0.01)
        ctx.cancelled.set()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(ToolCancelled):
            call("tools.llm.call", ctx=ctx, provider="main", model="m", prompt="x")
    finally:
        server.let_go.set()
        thread.join()


def test_only_what_the_deployment_has_named_for_the_tenant_can_be_used(server: ModelServer) -> None:
    ours, theirs = uuid.uuid4(), uuid.uuid4()
    provider = ModelProvider("openai", f"{server.url}/v1", tenants=frozenset({ours}), models=frozenset({"small"}))
    services = Services(models={"theirs": replace(provider, tenants=frozenset({theirs})), "ours": provider})
    ctx = context(services=services, tenant_id=ours)
    with pytest.raises(ToolInputError, match=r"no provider of models 'theirs' for this tenant; there is: ours$"):
        call("tools.llm.call", ctx=ctx, provider="theirs", model="small", prompt="x")
    with pytest.raises(ToolInputError, match="no model 'large'; it has: small"):
        call("tools.llm.call", ctx=ctx, provider="ours", model="large", prompt="x")
    with pytest.raises(ToolInputError, match="there is: none"):
        call("tools.llm.call", ctx=context(), provider="ours", model="small", prompt="x")
    assert server.seen == []


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "exactly one of prompt and messages"),
        ({"prompt": "x", "messages": [{"role": "user", "content": "y"}]}, "exactly one of prompt and messages"),
        ({"prompt": "x", "base_url": "http://inside"}, "base_url is not an argument"),
        ({"prompt": "x", "json_schema": {"type": "thing"}}, "'thing' is no type"),
        ({"prompt": "x", "json_schema": {"pattern": "(a+)+("}}, "not a regular expression"),
        (
            {"prompt": "x", "json_schema": {"properties": {"a": {"$ref": "http://e.org"}}}},
            "nothing is fetched from elsewhere",
        ),
        ({"prompt": "x", "temperature": 3}, "temperature"),
        ({"prompt": "x", "max_repairs": 99}, "max_repairs"),
        ({"messages": [{"role": "root", "content": "y"}]}, "role"),
    ],
)
def test_wrong_arguments_are_refused(server: ModelServer, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolInputError, match=message):
        call("tools.llm.call", ctx=at(server), provider="main", model="m", **kwargs)
    assert server.seen == []
