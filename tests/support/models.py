"""A server of language models for tests: speaks both dialects over real HTTP, says what it was told to say, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Answer = tuple[int, dict[str, str], Any]  # status, headers, body: a dict as JSON, or text
DIMENSIONS = 64


class ModelServer(ThreadingHTTPServer):
    """Answers chats from ``script``, one after the other, and embeds texts by their words: texts with the same words are near each other."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Answer] = deque()
        self.seen: list[dict[str, Any]] = []
        self.let_go = threading.Event()
        self.let_go.set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer_to(self, body: dict[str, Any]) -> Answer:
        """What it says to a chat: what it was told to say next."""
        return self.script.popleft() if self.script else (500, {}, "nothing more to say")

    def forget(self) -> None:
        """Begin anew, for the next test."""
        self.script.clear()
        self.seen.clear()

    def say(self, text: str = "", *, calls: list[tuple[str, Any]] | None = None, finish: str = "stop") -> None:
        """The next answer, in whichever dialect it is asked for."""
        self.script.append((200, {}, ("say", text, calls or [], finish)))

    def hang(self) -> None:
        """The next answer does not come until `let_go` is set, and then is none."""
        self.let_go.clear()
        self.script.append((599, {}, "hung"))

    def fail(self, status: int, body: Any = "", **headers: str) -> None:
        """The next answer is a refusal, or whatever else a server may say."""
        self.script.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))


S = TypeVar("S", bound="ModelServer")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append({"path": self.path, "headers": headers, "body": body})
        if self.path.endswith(("/embeddings", "/api/embed")):
            return self._send(200, {}, _embedded(self.path, body))
        status, extra, said = self.server.answer_to(body)
        if said == "hung":
            self.server.let_go.wait(20)
            self.close_connection = True
            return None
        if isinstance(said, tuple):
            said = (_ollama if self.path.endswith("/api/chat") else _openai)(body["model"], *said[1:])
        return self._send(status, extra, said)

    def _send(self, status: int, headers: dict[str, str], body: Any) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Tests read what was asked in ``seen``."""


def _openai(model: str, text: str, calls: list[tuple[str, Any]], finish: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {"id": f"c{index}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for index, (name, arguments) in enumerate(calls)
        ]
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion", "model": f"{model}-1", "choices": [choice], "usage": usage}


def _ollama(model: str, text: str, calls: list[tuple[str, Any]], finish: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
    counts = {"prompt_eval_count": 7, "eval_count": 3}
    return {"model": model, "message": message, "done": True, "done_reason": finish, **counts}


def _embedded(path: str, body: dict[str, Any]) -> dict[str, Any]:
    vectors = [_vector(text) for text in body["input"]]
    if path.endswith("/api/embed"):
        return {"model": body["model"], "embeddings": vectors}
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "model": body["model"], "data": data[::-1]}  # in any order: the index counts


def _vector(text: str) -> list[float]:
    vector = [0.0] * DIMENSIONS
    for word in text.lower().replace(".", " ").replace("?", " ").split():
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSIONS] += 1.0
    return vector


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """One that listens until the end of the block."""
    with serving(ModelServer()) as server:
        yield server


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Let it listen until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
