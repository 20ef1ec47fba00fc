"""What a tool's code sees of the engine: who it is, how long it may take, and the few services it may use. No queue, no database."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from typing import Literal, overload
from uuid import UUID

from engine.durable.cancellation import Cancellation
from engine.durable.ledger import Ledger
from engine.durable.runners import RunnerSettings
from engine.durable.toolbox import Toolbox
from engine.kit.values import value
from engine.model.json import Json, JsonObject
from engine.ports import CodeStore, Library, Sandbox, Services, Transaction

LogLevel = Literal["debug", "info", "warning", "error"]

NO_SERVICES = Services()
MAX_LOG_LINES = 1_000
MAX_LOG_CHARACTERS = 16_384


@value(frozen=True, slots=True)
class LogLine:
    """One line a tool wrote to its run's log."""

    level: LogLevel
    message: str
    data: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class HttpPolicy:
    """What the tenant allows of HTTP calls. ``allow_internal`` opens private and loopback addresses to calls that ask for them."""

    allow_internal: bool = False
    max_response_bytes: int = 400 * 1024  # fits into a result as text and as JSON


def default_idempotency_key(workflow_run_id: UUID, scope: str, step_key: str) -> str:
    """``<run>:<scope>/<step key>``: the same over all attempts and re-entries of a step, and of no other step."""
    return f"{workflow_run_id}:{scope}/{step_key}"


@value(frozen=True, slots=True)
class ToolContext:
    """One attempt of one tool call. The worker builds it, hands it to the tool's code and afterwards reads ``logs`` and ``changed_variables``."""

    tenant_id: UUID
    workflow_run_id: UUID
    scope: str
    step_key: str
    task_id: str
    idempotency_key: str
    sandbox: Sandbox
    attempt: int = 1
    timeout_seconds: float | None = None
    worker_id: str = ""
    variables: Mapping[str, Json] = field(default_factory=dict)
    http_policy: HttpPolicy = HttpPolicy()
    runners: RunnerSettings = RunnerSettings()
    services: Services = NO_SERVICES
    transaction: Transaction | None = None  # only for tools declared transactional
    library: Library | None = None  # only for tools declared so, and for durable ones
    ledger: Ledger | None = None  # only for tools declared durable
    toolbox: Toolbox | None = None  # likewise
    code: CodeStore | None = None  # what the tenant has stored
    cancelled: Cancellation = field(default_factory=Cancellation)
    logs: list[LogLine] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)  # leaders of the process groups that it has started, for people
    changed_variables: JsonObject = field(default_factory=dict)
    started_monotonic: float = field(default_factory=time.monotonic)

    def heartbeat(self, details: Json = None) -> bool:  # noqa: ARG002 - an activity's context passes it on
        """Say that work goes on. Nobody listens outside of activities; the answer is the same: is the result still wanted?"""
        return not self.is_cancelled

    @property
    def last_details(self) -> Json:
        """What the attempt before said with its last heartbeat; only attempts of activities leave such notes."""
        return None

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants the result any more."""
        return self.cancelled.is_set()

    def log(self, level: LogLevel, message: str, **data: Json) -> None:
        """Write a line to the run's log. Long messages are cut; after 1,000 lines one note says that more were dropped."""
        if len(self.logs) < MAX_LOG_LINES:
            self.logs.append(LogLine(level, _cut(message), data))
        elif len(self.logs) == MAX_LOG_LINES:
            self.logs.append(LogLine("warning", f"more than {MAX_LOG_LINES} lines: the rest was dropped"))

    @property
    def qualified_step(self) -> str:
        """The step's identity inside the whole run."""
        return f"{self.scope}/{self.step_key}" if self.scope else self.step_key

    def get_variable(self, name: str, default: Json = None) -> Json:
        """A variable of this scope, with this attempt's own changes; ``default`` when it is unset or null."""
        value = self.changed_variables[name] if name in self.changed_variables else self.variables.get(name)
        return default if value is None else value

    def set_variable(self, name: str, value: Json) -> None:
        """Set a variable of this scope. It is stored together with the step's checkpoint, so a failed attempt leaves no trace."""
        self.changed_variables[name] = value

    def remaining_seconds(self) -> float | None:
        """Seconds left of this attempt's timeout, never negative; None when it has none."""
        if self.timeout_seconds is None:
            return None
        return max(0.0, self.started_monotonic + self.timeout_seconds - time.monotonic())

    @overload
    def bounded(self, seconds: float) -> float: ...

    @overload
    def bounded(self, seconds: None) -> float | None: ...

    @overload
    def bounded(self, seconds: float | None) -> float | None: ...

    def bounded(self, seconds: float | None) -> float | None:
        """The tighter of a wish for a time limit and what is left of the attempt; None when neither bounds it."""
        remaining = self.remaining_seconds()
        if seconds is None or remaining is None:
            return remaining if seconds is None else seconds
        return min(seconds, remaining)


def _cut(message: str) -> str:
    if len(message) <= MAX_LOG_CHARACTERS:
        return message
    return f"{message[:MAX_LOG_CHARACTERS]}... ({len(message) - MAX_LOG_CHARACTERS} more characters)"
