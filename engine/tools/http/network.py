"""TCP connections that are checked where they are made: on the very address that is connected to.

A name is resolved once, every address it has is judged, and the connection goes to a judged address; nobody can change the name's meaning in
between. The HTTP library keeps the name for the Host header, for TLS server name and certificate. Each redirect comes through here again.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

from engine.kit.fault_points import FaultPoint, reach
from engine.tools.errors import ToolError
from engine.tools.http.addresses import refusal

Resolve = Callable[[str, int], list[str]]


class Network(httpcore2.NetworkBackend):
    """Opens the connections of one call. Every operation ends by the call's deadline; `abort` ends those under way, from any thread."""

    def __init__(self, *, allow_internal: bool, seconds: float, resolve: Resolve | None = None) -> None:
        self._allow_internal = allow_internal
        self._ends_at = time.monotonic() + seconds
        self._resolve = resolve or addresses_of
        self._tcp = httpcore2.SyncBackend()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._aborted = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline takes its place
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers. Raises a `ToolError` when any address of the name is refused."""
        if not 0 < port < 65_536:
            raise httpcore2.LocalProtocolError(f"{port} is not the number of a port")
        addresses = self.judged(host, port)
        for address in addresses:
            try:
                stream = self._tcp.connect_tcp(address, port, self.remaining(), local_address, socket_options)
            except httpcore2.ConnectError:
                if address == addresses[-1]:
                    raise
                continue
            self.judge(stream.get_extra_info("server_addr")[0], host)
            return _Stream(stream, self)
        raise httpcore2.ConnectError(f"{host} has no address")

    def remaining(self) -> float:
        """Seconds until the deadline. Raises when it has passed or the call was aborted."""
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise httpcore2.ReadTimeout("deadline")
        if self._aborted:
            raise httpcore2.ReadError("aborted")
        return seconds

    def watch(self, stream: httpcore2.NetworkStream) -> None:
        """Let `abort` reach this stream's socket."""
        with self._lock:
            self._sockets.append(stream.get_extra_info("socket"))

    def abort(self) -> None:
        """End all operations under way."""
        with self._lock:
            self._aborted = True
            for opened in self._sockets:
                with contextlib.suppress(OSError):
                    # Not SSLSocket.shutdown, which would let the reading thread take ciphertext for text.
                    socket.socket.shutdown(opened, socket.SHUT_RDWR)

    def judged(self, host: str, port: int) -> list[str]:
        """The addresses of a name, each of which may be reached."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} cannot be resolved ({error})") from error
        for address in addresses:
            self.judge(address, host)
        return addresses

    def judge(self, address: str, host: str) -> None:
        """Raises a `ToolError` for an address that may not be reached."""
        reason = refusal(address, allow_internal=self._allow_internal)
        if reason:
            where = host if host == address else f"{host} ({address})"
            raise ToolError(
                f"{where} is {reason}: it cannot be called from a workflow", type="AddressRefused", retryable=False
            )


def addresses_of(host: str, port: int) -> list[str]:
    """Every address of a name, in the order to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read and write ends by the deadline of its network."""

    def __init__(self, stream: httpcore2.NetworkStream, network: Network) -> None:
        self._stream = stream
        self._network = network
        network.watch(stream)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._network.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._network.remaining())
        reach(FaultPoint.CALL_SENT)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._network.remaining()), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
