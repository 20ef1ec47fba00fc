"""`tools.http.request` against real servers on loopback, which the tests' policy opens."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.durable.tool_context import HttpPolicy, ToolContext
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context

JSON = {"content-type": "application/json"}


class Handler(BaseHTTPRequestHandler):
    """Answers by path and remembers every request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        self.server.seen.append(seen)
        kind, _, rest = urlsplit(self.path).path.lstrip("/").partition("/")
        getattr(self, f"give_{kind}")(rest, seen)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"content_length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def give_echo(self, _rest: str, seen: dict[str, Any]) -> None:
        self.send(200, json.dumps(seen).encode(), content_type="application/json; charset=utf-8")

    def give_status(self, rest: str, _seen: object) -> None:
        self.send(int(rest), b"said", retry_after="7")

    def give_redirect(self, rest: str, _seen: object) -> None:
        left = int(rest)
        self.send(302, location=f"/redirect/{left - 1}" if left else "/echo")

    def give_to(self, rest: str, _seen: object) -> None:
        self.send(307, location=rest.replace("~", "/"))

    def give_large(self, _rest: str, _seen: object) -> None:
        self.send(200, b"x" * 500_000)

    def give_packed(self, rest: str, _seen: object) -> None:
        body = {
            "bomb": gzip.compress(bytes(50_000_000)),
            "text": gzip.compress("gepäckt".encode()),
            "cut": gzip.compress(b"x" * 99)[:-9],
        }
        self.send(200, body.get(rest, b"junk"), content_encoding="br" if rest == "br" else "gzip")

    def give_text(self, rest: str, _seen: object) -> None:
        bodies = {
            "latin": ("é".encode("latin-1"), "text/plain; charset=iso-8859-1"),
            "binary": (b"\xff\x00\xfe", "application/octet-stream"),
            "bad": (b"{oops", "application/json"),
            "nan": (b"[NaN]", "application/json"),
            "deep": (b"[" * 100 + b"]" * 100, "application/json"),
            "unknown": (b"ok", "text/plain; charset=no-such"),
        }
        body, kind = bodies[rest]
        self.send(200, body, content_type=kind)

    def give_slow(self, _rest: str, _seen: object) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        for _ in range(600):
            self.wfile.write(b"x")
            if self.server.closing.wait(0.05):
                return

    def give_silence(self, _rest: str, _seen: object) -> None:
        self.server.closing.wait(30)

    def give_cut(self, _rest: str, _seen: object) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of these tests."""


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    thread = threading.Thread(target=started.serve_forever, args=(0.01,))
    thread.start()
    yield started
    started.closing.set()
    started.shutdown()
    thread.join()
    started.server_close()


other = server


def open_context(**changes: Any) -> ToolContext:
    return context(**({"http_policy": HttpPolicy(allow_internal=True)} | changes))


def request(url: str, *args: Any, ctx: ToolContext | None = None, **kwargs: Any) -> dict[str, Any]:
    return call("tools.http.request", url, *args, ctx=ctx or open_context(), allow_internal=True, **kwargs)


def failure(url: str, **kwargs: Any) -> ToolError:
    with pytest.raises(ToolError) as failed:
        request(url, **kwargs)
    return failed.value


def test_it_answers_with_status_headers_text_and_json(server: Server) -> None:
    answer = request(f"{server.url}/echo?a=1", params={"b": [2, 3]}, headers={"X-Mine": "m"})
    assert answer["status_code"] == 200
    assert answer["headers"]["content-type"] == "application/json; charset=utf-8"
    assert answer["body_json"] == json.loads(answer["response"])
    assert answer["body_json"]["path"] == "/echo?a=1&b=2&b=3"
    assert answer["body_json"]["headers"]["x-mine"] == "m"
    assert answer["body_json"]["headers"]["host"] == urlsplit(server.url).netloc


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"json": {"a": [1]}}, '{"a":[1]}', "application/json"),
        ({"json_data": {"a": 1}}, '{"a":1}', "application/json"),
        ({"data": {"a": 1, "b": "x y"}}, "a=1&b=x+y", "application/x-www-form-urlencoded"),
        ({"data": "täxt"}, "täxt", None),
        ({"body": "text"}, "text", None),
        ({}, "", None),
    ],
)
def test_bodies_are_sent_in_each_form(
    server: Server, body: dict[str, Any], sent: str, content_type: str | None
) -> None:
    echoed = request(f"{server.url}/echo", "post", **body)["body_json"]
    assert (echoed["method"], echoed["body"], echoed["headers"].get("content-type")) == ("POST", sent, content_type)


def test_the_public_drivers_http_task_works(server: Server) -> None:
    config = {"url": f"{server.url}/echo", "method": "POST", "json": {"status": "done"}, "allow_internal": True}
    assert call("tools.http.request", ctx=open_context(), **config)["body_json"]["body"] == '{"status":"done"}'


def test_requests_that_change_something_carry_a_key_that_is_the_same_over_attempts(server: Server) -> None:
    ctx = open_context()
    again = open_context(workflow_run_id=ctx.workflow_run_id, idempotency_key=ctx.idempotency_key, attempt=2)
    request(f"{server.url}/echo", "POST", ctx=ctx)
    request(f"{server.url}/echo", "POST", ctx=again)
    request(f"{server.url}/echo", "PUT", ctx=ctx, headers={"Idempotency-Key": "mine"})
    request(f"{server.url}/echo", ctx=ctx)
    keys = [seen["headers"].get("idempotency-key") for seen in server.seen]
    assert keys == [ctx.idempotency_key, ctx.idempotency_key, "mine", None]


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 409, 422])
def test_a_status_that_another_attempt_would_not_change_is_an_answer(server: Server, status: int) -> None:
    assert request(f"{server.url}/status/{status}")["status_code"] == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_status_that_another_attempt_may_change_fails_the_step(server: Server, status: int) -> None:
    failed = failure(f"{server.url}/status/{status}?token=s3cret")
    assert failed.message.startswith(f"GET {server.url}/status/{status} answered {status}")
    assert "s3cret" not in failed.message
    assert (failed.type, failed.retryable, failed.data["response"]) == (f"Http{status}", True, "said")
    assert failed.retry_after_seconds == 7
    assert request(f"{server.url}/status/{status}", check=False)["status_code"] == status


def test_redirects_are_followed_up_to_five(server: Server) -> None:
    assert request(f"{server.url}/redirect/4")["body_json"]["path"] == "/echo"
    failed = failure(f"{server.url}/redirect/5")
    assert (failed.message, failed.retryable) == ("more than 5 redirects", False)
    assert request(f"{server.url}/redirect/1", follow_redirects=False)["status_code"] == 302


def test_what_may_be_secret_does_not_follow_to_another_origin(server: Server, other: Server) -> None:
    headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "s=3", "Accept": "text/plain"}
    same = request(f"{server.url}/to/~echo", headers=headers)["body_json"]
    assert same["headers"]["x-api-key"] == "s3cret"
    started = Server()
    threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True).start()
    try:
        request(f"{server.url}/to/{started.url.replace('/', '~')}~echo", "POST", headers=headers, json={"a": 1})
        (seen,) = started.seen
        assert "s3cret" not in json.dumps(seen)
        assert "idempotency-key" not in seen["headers"]
        assert (seen["method"], seen["body"], seen["headers"]["accept"]) == ("POST", '{"a":1}', "text/plain")
    finally:
        started.shutdown()
        started.server_close()


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0:1/", "http://224.0.0.1/"]
)
def test_a_redirect_into_closed_networks_is_refused(server: Server, target: str) -> None:
    failed = failure(f"{server.url}/to/{target.replace('/', '~')}")
    assert (failed.type, failed.retryable) == ("AddressRefused", False)


def test_a_redirect_to_another_scheme_is_refused(server: Server) -> None:
    assert isinstance(failure(f"{server.url}/to/file:~~~etc~passwd"), ToolInputError)
    assert isinstance(failure(f"{server.url}/to/http:~~127.0.0.1:99999~"), ToolInputError)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/echo",
        "http://localhost:{port}/echo",
        "http://2130706433:{port}/echo",
        "http://0x7f.1:{port}/echo",
        "http://127.1:{port}/echo",
        "http://[::1]:{port}/echo",
        "http://[::ffff:127.0.0.1]:{port}/echo",
        "http://[::ffff:7f00:1]:{port}/echo",
        "http://0.0.0.0:{port}/echo",
        "http://user:pw@127.0.0.1:{port}/echo",
        "http://127.0.0.1%2f@127.0.0.1:{port}/echo",
    ],
)
def test_without_the_policy_no_spelling_of_this_machine_is_reached(server: Server, url: str) -> None:
    with pytest.raises(ToolError) as failed:
        call("tools.http.request", url.format(port=server.server_port))
    assert failed.value.type == "AddressRefused"
    assert failed.value.retryable is False
    assert server.seen == []


def test_opening_internal_addresses_takes_the_policy_and_the_call(server: Server) -> None:
    with pytest.raises(ToolError, match="policy does not allow"):
        call("tools.http.request", f"{server.url}/echo", allow_internal=True)
    with pytest.raises(ToolError, match="is an internal address"):
        call("tools.http.request", f"{server.url}/echo", ctx=open_context())


def test_a_large_response_is_refused_before_it_is_read(server: Server) -> None:
    failed = failure(f"{server.url}/large")
    assert failed.message == "the response is larger than 409,600 bytes"
    assert failed.retryable is False


def test_a_packed_response_is_bounded_unpacked(server: Server) -> None:
    assert request(f"{server.url}/packed/text")["response"] == "gepäckt"
    assert failure(f"{server.url}/packed/bomb").type == "ResponseTooLarge"
    assert "cannot be unpacked" in failure(f"{server.url}/packed/junk").message
    assert "in the middle" in failure(f"{server.url}/packed/cut").message
    assert "'br', which was not asked for" in failure(f"{server.url}/packed/br").message


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("latin", "é"),
        ("binary", "\ufffd\ufffd\ufffd"),
        ("bad", "{oops"),
        ("nan", "[NaN]"),
        ("deep", "[" * 100 + "]" * 100),
        ("unknown", "ok"),
    ],
)
def test_any_body_becomes_text_and_only_good_json_becomes_json(server: Server, kind: str, text: str) -> None:
    answer = request(f"{server.url}/text/{kind}")
    assert (answer["response"], answer["body_json"]) == (text, None)


@pytest.mark.parametrize("path", ["slow", "silence"])
def test_the_time_limit_is_for_the_whole_call(server: Server, path: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ToolTimeout, match="was not done in time"):
        request(f"{server.url}/{path}", timeout=0.4)
    with pytest.raises(ToolTimeout):
        request(f"{server.url}/{path}", ctx=open_context(timeout_seconds=0.4))
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("path", ["slow", "silence"])
def test_a_cancel_ends_it_at_once(server: Server, path: str) -> None:
    ctx = open_context()
    threading.Timer(0.2, ctx.cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(ToolCancelled):
        request(f"{server.url}/{path}", ctx=ctx)
    assert time.monotonic() - begun < 20


def test_a_server_that_is_not_there_or_hangs_up_is_worth_another_attempt(server: Server) -> None:
    for url in (f"{server.url}/cut", "http://127.0.0.1:1/"):
        failed = failure(url)
        assert failed.retryable is True
        assert failed.step_error().kind == "tool"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": ""}, "url: string should have at least 1 character"),
        ({"url": "ftp://example.org/"}, "url: must begin with http:// or https:// and name a host"),
        ({"url": "file:///etc/passwd"}, "url: must begin with http:// or https://"),
        ({"url": "/path"}, "url: must begin with http:// or https://"),
        ({"url": "http://"}, "url: must begin with http:// or https://"),
        ({"url": "http://[::1"}, "url: invalid"),
        ({"url": "http://a.example:99999999/"}, "99999999 is not the number of a port"),
        ({"url": "http://a.example/", "method": "BREW"}, "method: input should be 'GET'"),
        ({"url": "http://a.example/", "headers": {"Host": "b"}}, "Host is set by the engine"),
        ({"url": "http://a.example/", "headers": {"a b": "c"}}, "'a b' cannot be the name of a header"),
        ({"url": "http://a.example/", "headers": {"a": "b\r\nc: d"}}, "cannot contain line breaks"),
        ({"url": "http://a.example/", "headers": {"a": "€"}}, "tools.http.request"),
        ({"url": "http://a.example/", "method": "POST", "body": "\ud800"}, "tools.http.request"),
        ({"url": "http://a.example/", "json": 1, "body": "x"}, "give at most one of json, json_data, data and body"),
        ({"url": "http://a.example/", "verify": False}, "verify is not an argument"),
    ],
)
def test_wrong_arguments_are_refused_in_plain_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolInputError) as refused:
        call("tools.http.request", **arguments)
    assert message.lower() in refused.value.message.lower()
