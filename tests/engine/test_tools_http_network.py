"""The one validator: which addresses are refused, and that a name cannot change its meaning between check and connection."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpcore2
import pytest

from engine.tools.errors import ToolError
from engine.tools.http import transport
from engine.tools.http.addresses import refusal
from engine.tools.http.network import Network
from tests.engine.test_tools_http import Server, open_context, request

CLOSED_ALWAYS = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104
    "::", "169.254.169.254", "169.254.1.1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
    "224.0.0.1", "239.255.255.255", "ff02::1", "fe80::1", "fe80::1%lo", "fec0::1", "240.0.0.1", "255.255.255.255",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.0.1", "192.0.2.1", "198.18.0.1", "2001:db8::1", "100::1",
]  # fmt: skip
INTERNAL = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "fdff::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", CLOSED_ALWAYS)
def test_closed_whatever_the_policy(address: str) -> None:
    assert refusal(address, allow_internal=False)
    assert refusal(address, allow_internal=True)


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_unless_the_policy_opens_it(address: str) -> None:
    assert refusal(address, allow_internal=False) == "an internal address"
    assert refusal(address, allow_internal=True) == ""


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert refusal(address, allow_internal=False) == ""


def test_one_bad_address_among_good_ones_refuses_the_name() -> None:
    network = Network(allow_internal=False, seconds=5, resolve=lambda *_: ["8.8.8.8", "10.0.0.7"])
    with pytest.raises(ToolError, match=r"evil\.example \(10\.0\.0\.7\) is an internal address"):
        network.connect_tcp("evil.example", 80)


def test_a_name_is_resolved_once_and_the_judged_address_is_connected() -> None:
    """A rebinding server answers differently each time; only its first answer counts."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    with socket.create_server(("127.0.0.1", 0)) as server:
        network = Network(allow_internal=True, seconds=5, resolve=lambda *_: next(answers))
        stream = network.connect_tcp("rebinding.example", server.getsockname()[1])
        assert stream.get_extra_info("server_addr") == server.getsockname()
        stream.close()
    assert next(answers) == ["169.254.169.254"]


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        network = Network(allow_internal=True, seconds=5, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"])
        network.connect_tcp("two.example", server.getsockname()[1]).close()


def test_a_name_without_addresses_or_that_cannot_be_resolved_is_a_failed_connection() -> None:
    with pytest.raises(httpcore2.ConnectError, match="has no address"):
        Network(allow_internal=True, seconds=5, resolve=lambda *_: []).connect_tcp("none.example", 80)
    with pytest.raises(httpcore2.ConnectError, match="cannot be resolved"):
        Network(allow_internal=True, seconds=5).connect_tcp("name.invalid", 80)


@pytest.fixture
def secure_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """HTTPS with a certificate for "localhost" that this process trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport.trusted.cache_clear()
    server = Server()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    transport.trusted.cache_clear()


def test_tls_checks_the_name_although_the_address_is_connected(secure_server: Server) -> None:
    port = secure_server.server_port
    answer = request(f"https://localhost:{port}/echo", ctx=open_context())
    assert answer["body_json"]["headers"]["host"] == f"localhost:{port}"
    with pytest.raises(ToolError, match="CERTIFICATE_VERIFY_FAILED"):
        request(f"https://127.0.0.1:{port}/echo", ctx=open_context())


def test_a_cancel_ends_a_tls_call_too(secure_server: Server) -> None:
    ctx = open_context()
    threading.Timer(0.2, ctx.cancelled.set).start()
    with pytest.raises(ToolError) as failed:
        request(f"https://localhost:{secure_server.server_port}/slow", ctx=ctx)
    assert failed.value.type == "ToolCancelled"
