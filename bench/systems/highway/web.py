"""The platform's web server as a client of it sees it: connections that stay open, an API key, and a person who has signed in."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any
from uuid import UUID

from bench.systems.base import NotHereError
from bench.systems.highway.adapter import Highway
from launch import commands
from launch.postgres.access import HOST, free_port

TENANT = "demo"
ADMINISTRATOR = "admin@localhost.localdomain"
TIMEOUT_SECONDS = 60.0
END_SECONDS = 60.0


@dataclass(slots=True)
class Api:
    """One connection of one program."""

    port: int
    key: str
    _line: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._line = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The ``data`` of the answer."""
        head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self._line.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), head)
        answer = self._line.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise NotHereError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content)["data"]


class Web:
    """A web server on the bench's database, with the tenant `demo`. It stops with the system's workers."""

    def __init__(self, system: Highway) -> None:
        self.port = free_port()
        key_file = system.processes.folder / "api_key"
        key_file.unlink(missing_ok=True)
        password = re.search(r"password: (\S+)", system.manage("bootstrap", "--key-file", str(key_file)))
        if password is None:
            raise NotHereError("bootstrap printed no password")
        self.key = key_file.read_text().strip()
        system.processes.start(commands.web(self.port), env=system.environment(), log="web.log")
        system.processes.await_ready(self._answers)
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._sign_in(password[1])

    def api(self) -> Api:
        """One more connection."""
        return Api(self.port, self.key)

    def finish_one(self, body: dict[str, Any]) -> UUID:
        """Submit a run and wait for its end."""
        api = self.api()
        run = api.ask("POST", "/workflows", body)["workflow_run_id"]
        deadline = time.monotonic() + END_SECONDS
        while api.ask("GET", f"/workflows/{run}")["status"] != "completed":
            if time.monotonic() > deadline:
                raise NotHereError(f"run {run} did not end")
            time.sleep(0.05)
        return UUID(run)

    def page_seconds(self, path: str) -> float:
        """How long a page of the tenant took, from the request to its last byte."""
        began = time.perf_counter()
        self._open(f"/t/{TENANT}/{path}")
        return time.perf_counter() - began

    def _sign_in(self, password: str) -> None:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self._open("/login"))
        form = {"csrfmiddlewaretoken": token[1] if token else "", "login": ADMINISTRATOR, "password": password}
        if 'name="password"' in self._open("/login", urllib.parse.urlencode(form).encode()):
            raise NotHereError("the administrator could not sign in")

    def _open(self, path: str, form: bytes | None = None) -> str:
        with self._browser.open(f"http://{HOST}:{self.port}{path}", form, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.read().decode())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v1/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
