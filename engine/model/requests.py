"""What a tool may ask of the engine instead of answering: it returns one of these and, but for `CallAgain`, is not called again for this step.

The engine makes the request durable (a wait row), suspends the task if nothing else is to do, and gives the step its result when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class AwaitBranches:
    """Wait for branches or activities by task key. The step's result is ``{name: {"status", "result", "error"}}``.

    ``names`` maps the name under which a task appears in the result to its key. ``needed``: how many must be final; None means all.
    With ``fail_on_error`` a branch that failed or was cancelled fails the step; ``single`` gives the one branch's
    ``{"status", "result", "error"}`` by itself.
    """

    names: dict[str, str]
    needed: int | None = None
    timeout_seconds: float | None = None
    fail_on_error: bool = True
    single: bool = False


@dataclass(frozen=True, slots=True)
class CancelBranches:
    """Cancel branches by task key; already final ones are left alone. The step's result is ``{"cancelled": [keys]}``."""

    keys: list[str]


@dataclass(frozen=True, slots=True)
class RunChild:
    """Start a workflow as a run of its own (``parent_run_id`` set), and wait for it unless ``wait`` is false.

    Exactly one of ``workflow_name`` (latest version), ``definition_id`` and ``definition_hash`` is set. The result is
    ``{"workflow_run_id", "status", "result"}``; a child that failed or was cancelled fails the step.
    """

    workflow_name: str | None = None
    definition_id: str | None = None
    definition_hash: str | None = None
    inputs: JsonObject | None = None
    wait: bool = True
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SleepFor:
    """Suspend for a time counted by the database, in seconds. The step's result is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SleepUntil:
    """Suspend until a time (ISO 8601 with zone), by the database's clock. The step's result is None."""

    until: str


@dataclass(frozen=True, slots=True)
class HearEvent:
    """Wait for an event of this run; the step's result is its payload. A timeout fails the step with an error of its own kind."""

    event_name: str
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Take the next signal or update of a name, each exactly once and in order. The step's result is the message:

    ``{"name", "payload", "seq", "sent_by", "at"}``, of an update with ``"update_id"``. A timeout fails the step.
    """

    kind: Literal["signal", "update"]
    name: str
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Ask people whether to go on. ``stages`` are decided one after another: ``{"approvers": [names], "quorum": n}``, no names: whoever may decide.

    The step's result is ``{"approval_id", "status", "approved", "approver", "expired", "timestamp", "votes"}``, status approved or rejected. When
    nobody decides within ``timeout_seconds``, ``on_expiry`` does: fail, approve or reject.
    """

    message: str
    stages: list[JsonObject]
    timeout_seconds: float
    on_expiry: Literal["fail", "approve", "reject"] = "fail"
    allow_self: bool = False
    key: str | None = None
    data: Json = None


@dataclass(frozen=True, slots=True)
class TakeLock:
    """Take the tenant's lock of that name, in turn. The result is ``{"name", "fencing"}``: fencing numbers of a lock grow with each holder.

    A task that holds the lock gets it again at once. It is held until `ReleaseLock` or the end of the task.
    """

    name: str
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Let go of the lock, if this task holds it. The result is ``{"name"}``."""

    name: str


@dataclass(frozen=True, slots=True)
class MergeAttributes:
    """Merge into the run's search attributes; null takes one away. The result is what was merged."""

    attributes: JsonObject


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Answer an update that this run has taken; exactly one answer is given. The step's result is ``{"update_id"}``."""

    update_id: str
    result: Json = None
    error: str | None = None


Wait = AwaitBranches | RunChild | SleepFor | SleepUntil | HearEvent | TakeMessage | TakeLock


@dataclass(frozen=True, slots=True)
class CallAgain:
    """Durable code waits: do ``wait``, note its answer under ``name``, and call the tool again, with all that is noted by then.

    ``method`` is what the code called.
    """

    method: str
    name: str
    wait: Wait


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """End this run as completed and start it anew with other inputs, in one transaction: a loop without a growing history.

    Only a run's own steps may ask for it. What the run forked and is open is cancelled.
    """

    inputs: JsonObject


# What is asked once; `CallAgain` wraps a wait of durable code.
Plain = Wait | AskApproval | CancelBranches | ReplyTo | ContinueAsNew | ReleaseLock | MergeAttributes
Request = Plain | CallAgain
