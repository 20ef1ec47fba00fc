"""The world that tools speak to: a server of models, of mail and of MCP. Each remembers what it was asked, and under which key."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.postgres.access import free_port
from tests.crash.faults import noted
from tests.support.mail import Mailbox, mail_server
from tests.support.models import Answer, ModelServer, serving

START_SECONDS = 60.0
Keys = Mapping[str, set[str]]


class Author(ModelServer):
    """A model whose answer follows from the question alone, as those who are killed ask it again."""

    request_queue_size = 128

    def answer_to(self, body: dict[str, Any]) -> Answer:
        last = body["messages"][-1]
        if body.get("tools"):
            return _of_agent(body["messages"], last)
        asked = str(last["content"])
        if asked.startswith("Check "):
            passed = asked.endswith("polished")
            return _said(json.dumps({"passed": passed, "feedback": "polish it"}))
        return _said("polished" if "It was refused" in asked else "rough")

    def handle_error(self, *_: Any) -> None:
        """Callers that are killed in the middle are what this server is for."""

    def keys(self, run: str) -> Keys:
        """What was asked for a run, and under which keys."""
        found: dict[str, set[str]] = defaultdict(set)
        for asked in list(self.seen):
            body = json.dumps(asked["body"], sort_keys=True)
            if run in body:
                found[body].add(asked["headers"].get("idempotency-key", ""))
        return found


def _of_agent(messages: list[dict[str, Any]], last: dict[str, Any]) -> Answer:
    """One call, and then the answer. The last word of the goal is the run."""
    if last["role"] == "tool":
        return _said("Done.")
    run = str(messages[1]["content"]).split()[-1]
    return _said("", [("simple_counter_increment", {"name": f"{run}/agent"})])


def _said(text: str, calls: list[tuple[str, Any]] | None = None) -> Answer:
    return 200, {}, ("say", text, calls or [], "stop")


@dataclass
class Outside:
    """All of them."""

    models: Author
    mailbox: Mailbox
    mcp_url: str
    notes: Path

    def services(self, database: str) -> dict[str, Any]:
        """How a worker reaches them, in the form that the tests' workers read; ``database`` may be asked, too."""
        models = {"main": ["openai", f"{self.models.url}/v1"]}
        return {"models": models, "mail_port": self.mailbox.port, "databases": {"outside": database}}

    def repeated(self) -> int:
        """How many calls were made again, as nobody knew whether they had been made."""
        bodies = [json.dumps(asked["body"], sort_keys=True) for asked in self.models.seen]
        mails = [str(one.message["Message-ID"]) for one in self.mailbox.handed]
        return sum(len(calls) - len(set(calls)) for calls in (bodies, mails, noted(self.notes)))

    def mails(self, run: str) -> set[str]:
        """The Message-IDs of mails about a run."""
        return {
            str(one.message["Message-ID"]) for one in list(self.mailbox.handed) if one.recipients[0].startswith(run)
        }

    def mcp_keys(self, run: str) -> set[str]:
        """The keys under which the MCP server was asked to note a run."""
        return {line.split()[1] for line in noted(self.notes) if line.startswith(run)}


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """Servers that listen until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    port, notes = free_port(), folder / "mcp_notes"
    program = str(Path(__file__).with_name("mcp_notes.py"))
    with (folder / "mcp.log").open("wb") as log:
        mcp = subprocess.Popen([sys.executable, program, str(port), str(notes)], stdout=log, stderr=log)
    try:
        with serving(Author()) as models, mail_server(folder) as mailbox:
            _await(mcp, port)
            yield Outside(models, mailbox, f"http://127.0.0.1:{port}/mcp", notes)
    finally:
        mcp.kill()
        mcp.wait()


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, "the MCP server did not start"
        assert time.monotonic() < until
        time.sleep(0.05)
