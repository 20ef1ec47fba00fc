"""The world outside: an HTTP server that remembers every request, and fails the first one of each flaky path."""

from __future__ import annotations

import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Effects:
    """Requests by path: how many, and under which idempotency keys."""

    def __init__(self) -> None:
        self.keys: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def hear(self, path: str, key: str) -> int:
        """A request came in; its status."""
        with self._lock:
            first = not self.keys[path]
            self.keys[path].append(key)
        return 503 if first and path.startswith("/flaky/") else 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        effects = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(effects.hear(self.path, self.headers.get("idempotency-key", "")))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Callers that are killed in the middle are what this server is for."""
