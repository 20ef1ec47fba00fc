"""The HTTP library's transport over our own network, so that no connection is made without its check."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterable, Iterator

import httpcore2
import httpx2

from engine.tools.http.network import Network


@functools.cache
def trusted() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a call, so they are read once a process."""
    return httpx2.create_ssl_context()


class Transport(httpx2.BaseTransport):
    """Speaks HTTP/1.1 over a `Network`; no proxy of the environment is taken."""

    def __init__(self, network: Network) -> None:
        self._pool = httpcore2.ConnectionPool(ssl_context=trusted(), network_backend=network)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the response's body is still to be read."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        stream = self._answer.stream
        assert isinstance(stream, Iterable)  # noqa: S101 - the pool is not the asynchronous one
        yield from stream

    def close(self) -> None:
        self._answer.close()
