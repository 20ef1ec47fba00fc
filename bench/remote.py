"""The bench's end of an agent."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.client import Ends, Kind
from launch import process
from launch.commands import CHECKOUT

STOP_SECONDS = 10.0


class AgentError(Exception):
    """The agent could not do what it was asked; the text is its own."""


class Agent:
    """Asks a process in a system's environment to submit and to measure. See `bench.loops` for what each question means."""

    def __init__(self, python: Path, module: str, config: dict[str, Any], *, env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._child = subprocess.Popen(
                [python, "-m", "bench.agent", module, json.dumps(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
                cwd=CHECKOUT,
                text=True,
                process_group=0,
                preexec_fn=process.leash(signal.SIGTERM),  # noqa: PLW1509 (calls prctl only)
            )

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child.stdin is not None:
            self._child.stdin.close()
        process.wait_or_kill(self._child, STOP_SECONDS)

    def submit(self, kind: Kind) -> str:
        """One run; its id."""
        return str(self._ask("submit", kind))

    def submit_batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> None:
        """Many runs."""
        self._ask("submit_batch", kind, count, hold_seconds)

    def burst(self, kind: Kind, count: int) -> float:
        """Seconds from the first submission to the last end."""
        return float(self._ask("burst", kind, count))

    def wait_for_all(self, since: float, count: int) -> Ends:
        """When the runs ended."""
        return Ends(**self._ask("wait_for_all", since, count))

    def wait_for_some(self, since: float, count: int) -> int:
        """How many had ended when so many had."""
        return int(self._ask("wait_for_some", since, count))

    def one_by_one(self, kind: Kind, count: int) -> dict[str, list[float]]:
        """Latencies to ``begun`` and to ``done``."""
        found: dict[str, list[float]] = self._ask("one_by_one", kind, count)
        return found

    def wake_ups(self, count: int) -> dict[str, list[float]]:
        """Latencies from emit to ``begun`` and to ``done``."""
        found: dict[str, list[float]] = self._ask("wake_ups", count)
        return found

    def singles(self, kind: Kind, count: int, hold_seconds: float = 0) -> list[float]:
        """Latencies of single submissions."""
        found: list[float] = self._ask("singles", kind, count, hold_seconds)
        return found

    def batch(self, kind: Kind, count: int, hold_seconds: float = 0) -> float:
        """Seconds of a batch submission."""
        return float(self._ask("batch", kind, count, hold_seconds))

    def _ask(self, what: str, *arguments: Any) -> Any:
        if self._child.stdin is None or self._child.stdout is None:
            raise AgentError("the agent has no pipes")
        self._child.stdin.write(json.dumps({"do": what, "with": arguments}) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise AgentError(f"the agent ended: see {self._log}")
        answer = json.loads(line)
        if "error" in answer:
            raise AgentError(answer["error"])
        return answer["value"]
