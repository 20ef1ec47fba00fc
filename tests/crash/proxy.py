"""A TCP proxy that understands just enough of PostgreSQL's protocol to hurt at the right message.

Statements are counted (Execute and simple Query messages of connections whose application_name begins as asked), commits are known by the
server's answer "COMMIT". A rule says what to do with one of them: kill the client before the server hears it, after the server has done
it, cut the line so that the answer is lost, or let nothing pass any more.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from launch.postgres.access import HOST

Verdict = Literal["pass", "kill_before", "kill_after", "cut_after", "black_hole"]
_NOTIFICATION, _COMPLETE = b"A", b"C"
_ENDS_OF_A_STATEMENT = b"CIEs"  # CommandComplete, EmptyQueryResponse, ErrorResponse, PortalSuspended
_STATEMENT = b"EQ"  # Execute, Query


@dataclass
class Rules:
    """What the proxy asks. Called from many threads; ``on_statement`` gets the number of the statement (from 1) and its connection's name."""

    on_statement: Callable[[int, str], Verdict] = lambda _number, _name: "pass"
    on_commit: Callable[[], Verdict] = lambda: "pass"
    kill_client: Callable[[], None] = lambda: None
    counts: Callable[[str], bool] = lambda _name: True
    drop_notifications: bool = False


@dataclass
class Proxy:
    """Listens on a port of its own and talks to the server for whoever comes."""

    port_of_server: int
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self.statements = 0
        self.cut = 0
        self._lock = threading.Lock()
        self._closed = False
        self._lines: set[_Line] = set()
        self._listener = socket.create_server((HOST, 0), backlog=64)
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    @property
    def port(self) -> int:
        """Where to connect to."""
        return int(self._listener.getsockname()[1])

    def url(self, url: str) -> str:
        """The same database by way of this proxy, in plain text."""
        through = url.replace(f":{self.port_of_server}/", f":{self.port}/")
        return f"{through}{'&' if '?' in through else '?'}sslmode=disable&gssencmode=disable"

    def reset_all(self) -> None:
        """Reset every connection, as a network does that lost its mind."""
        for line in list(self._lines):
            line.end()

    def close(self) -> None:
        """Stop listening and cut everything."""
        self._closed = True
        self._listener.close()
        self.reset_all()

    def number_statement(self) -> int:
        """The next statement's number."""
        with self._lock:
            self.statements += 1
            return self.statements

    def note_cut(self) -> None:
        """One more answer was lost."""
        with self._lock:
            self.cut += 1

    def forget(self, line: _Line) -> None:
        """The line has ended."""
        self._lines.discard(line)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed:
                client, _ = self._listener.accept()
                line = _Line(self, client)
                self._lines.add(line)
                line.start()


class _Line:
    """One connection: two threads, one for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server: socket.socket | None = None
        self._name = ""
        self._ended = threading.Event()
        self._sent = 0  # statements that went to the server
        self._done = 0  # statements that the server has answered
        self._after: tuple[int, Verdict] | None = None  # what to do when so many are answered
        self._hole = False

    def start(self) -> None:
        """Connect and pump."""
        threading.Thread(target=self._pump, args=(self._from_client,), daemon=True).start()

    def end(self) -> None:
        """Reset both sides."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._proxy.forget(self)
        for each in (self._client, self._server):
            if each is not None:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RD)  # a thread that reads from it would keep it open
                each.close()

    def _pump(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, EOFError):
            pass  # either side is gone: so is the other one
        finally:
            self.end()

    def _from_client(self) -> None:
        self._server = socket.create_connection((HOST, self._proxy.port_of_server), timeout=5)
        self._server.settimeout(None)
        for each in (self._client, self._server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each message waits for its acknowledgement
        startup = _exactly(self._client, 4)
        startup += _exactly(self._client, int.from_bytes(startup, "big") - 4)
        fields = startup[8:].split(b"\0")
        self._name = dict(zip(fields[::2], fields[1::2], strict=False)).get(b"application_name", b"").decode()
        self._server.sendall(startup)
        threading.Thread(target=self._pump, args=(self._from_server,), daemon=True).start()
        while message := _message(self._client):
            if self._hole:
                continue
            if message[:1] in _STATEMENT and self._proxy.rules.counts(self._name):
                self._statement(message)
            else:
                self._server.sendall(message)

    def _statement(self, message: bytes) -> None:
        assert self._server is not None
        rules = self._proxy.rules
        verdict = rules.on_statement(self._proxy.number_statement(), self._name)
        if verdict == "kill_before":
            rules.kill_client()
            raise EOFError
        if verdict == "black_hole":
            self._hole = True
            return
        self._sent += 1
        if verdict in ("kill_after", "cut_after"):
            self._after = (self._sent, verdict)
            # A pipeline is answered when the server is asked to: ask at once, this client will not.
            self._server.sendall(message + (b"H\0\0\0\4" if message[:1] == b"E" else b""))
            self._ended.wait(10)
            raise EOFError
        self._server.sendall(message)

    def _from_server(self) -> None:
        assert self._server is not None
        while message := _message(self._server):
            if self._hole or (self._proxy.rules.drop_notifications and message[:1] == _NOTIFICATION):
                continue
            if message[:1] in _ENDS_OF_A_STATEMENT and self._is_the_end(message):
                raise EOFError
            self._client.sendall(message)

    def _is_the_end(self, answer: bytes) -> bool:
        """A statement is answered; whether the answer must not reach the client."""
        rules = self._proxy.rules
        self._done += 1
        if self._after and self._done >= self._after[0]:
            if self._after[1] == "kill_after":
                rules.kill_client()
            self._proxy.note_cut()
            return True
        if answer[:1] == _COMPLETE and answer[5:-1] == b"COMMIT" and rules.counts(self._name):
            verdict = rules.on_commit()
            if verdict == "black_hole":
                self._hole = True
            if verdict == "cut_after":
                self._proxy.note_cut()
                return True
        return False


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, int.from_bytes(head[1:], "big") - 4)
