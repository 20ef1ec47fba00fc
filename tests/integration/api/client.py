"""A plain HTTP client for the tests: no cleverness between a test and the wire."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

ENDED = {"completed", "failed", "cancelled", "compensated"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def data(self) -> dict[str, Any]:
        assert self.json["status"] == "success", self.json
        return self.json["data"]

    @property
    def code(self) -> str:
        assert self.json["status"] == "error", self.json
        return self.json["code"]


@dataclass
class Client:
    """Speaks to one server, with or without a key."""

    url: str
    key: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        content = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        every = {"Content-Type": "application/json", **self.headers, **headers}
        if self.key:
            every["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"{self.url}{path}", content, every, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, body, **headers)

    def submit(self, definition: dict[str, Any], **more: Any) -> str:
        answer = self.post("/api/v1/workflows", {"workflow_definition": definition, **more})
        assert answer.status == 201, answer.json
        return answer.data["workflow_run_id"]

    def wait_until(self, run_id: str, statuses: set[str] = ENDED, seconds: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            run = self.get(f"/api/v1/workflows/{run_id}").data
            if run["status"] in statuses:
                return run
            assert time.monotonic() < deadline, run
            time.sleep(0.05)
