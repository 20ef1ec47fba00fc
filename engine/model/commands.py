"""What the pure core wants done. `Execution.advance()` returns these; the worker carries them out and reports back with facts.

Contract:
- A command is returned exactly once; the core remembers what it has asked for. ``advance()`` returns about `MOST_AT_ONCE`, the next call what follows,
  and ``[]`` when there is nothing more without new facts.
- `Record` is a pure outcome (a decision, a skip, the end of a loop, a step's final success or failure). The worker stores it with its next group
  commit. With ``gate`` true the core does not go on past this step until the worker calls ``durable(key)``: the results of tool calls are gated, pure
  decisions are not, for they would be decided alike again.
- Whatever else a command starts (tool call, timer, wait, fork) happens only after every Record returned before it is durable or will be in the same commit.
  A tool call need not wait for the Record of a wait whose end is certain (`WaitOver.certain`).
- `Finish` comes last and once, when nothing is open; all Records before it are committed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

from engine.kit.values import value
from engine.model.activity import ActivityPlan
from engine.model.breakers import BreakerPolicy
from engine.model.errors import StepError
from engine.model.facts import Recorded, StepOutcome
from engine.model.json import Json, JsonObject

MOST_AT_ONCE = 1000  # what one task writes in a commit, about: others' writes stand in it, too, or wait for it


def no_undo(result: Json) -> JsonObject | None:  # noqa: ARG001 - in the place of one that looks at it
    """Nothing has to be undone."""
    return None


@value(frozen=True, slots=True)
class CallTool:
    """Run one attempt of a tool. Arguments are resolved except for secrets. ``attempt`` counts from 1, ``timeout_seconds`` bounds this attempt.

    ``heartbeat_seconds`` bounds the silence of an activity.
    """

    key: str
    task_id: str
    tool: str
    args: list[Json]
    kwargs: JsonObject
    attempt: int = 1
    timeout_seconds: float | None = None
    noted: Mapping[str, Recorded] = field(default_factory=dict)  # what its code has done before, by name
    undo: Callable[[Json], JsonObject | None] = no_undo  # for transactional tools: what undoes it, given its result
    idempotency_key: str | None = None  # the author's own; the worker falls back to <workflow_run_id>:<scope>/<key>
    heartbeat_seconds: float | None = None
    holds_slots: bool = False  # it gives slots back with its checkpoint
    breaker: BreakerPolicy | None = None


@value(frozen=True, slots=True)
class Record:
    """A step is over: store its checkpoint. ``variables`` are stored with it in the scope's variables.

    ``input`` is what the step was given, for people to read. ``reason`` explains a skip ("branch_not_taken", "upstream_failed",
    "handler_not_needed", "terminated"). ``attempt`` is how many attempts it took.
    """

    key: str
    operator: str
    outcome: StepOutcome
    result: Json = None
    error: StepError | None = None
    input: Json = None
    reason: str = ""
    attempt: int = 1
    variables: JsonObject = field(default_factory=dict)
    gate: bool = False
    undo: JsonObject | None = (
        None  # the call that undoes this step, stored with its checkpoint: see `engine.model.undo`
    )
    seconds: float | None = None  # how long it took, where the core was told; else the worker has measured it


@value(frozen=True, slots=True)
class StartTimer:
    """Sleep durably for ``seconds`` or until ``until`` (ISO 8601 with zone); exactly one is set. Ends with `WaitOver`."""

    key: str
    seconds: float | None = None
    until: str | None = None
    request: JsonObject = field(default_factory=dict)  # comes back in `Waiting` on re-entry, as in the other waits


@value(frozen=True, slots=True)
class Retry:
    """An attempt failed and another follows after ``delay_seconds``. Stores attempt and error; ends with `WaitOver`, then `CallTool` comes again."""

    key: str
    attempt: int  # the attempt that failed
    delay_seconds: float
    error: StepError
    request: JsonObject = field(default_factory=dict)  # what a person has changed of the step; comes back on re-entry


@value(frozen=True, slots=True)
class AskPerson:
    """The attempts are spent: the run pauses until a person says what becomes of the step. Ends with `WaitOver`.

    ``request`` is kept with the wait: what was tried, and what it failed with.
    """

    key: str
    attempt: int  # the last one that failed
    error: StepError
    request: JsonObject


@value(frozen=True, slots=True)
class AwaitEvent:
    """Wait for an event of this run; already emitted is over at once. Ends with `WaitOver`."""

    key: str
    event_name: str
    timeout_seconds: float | None = None
    request: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class AwaitSlots:
    """Ask for all that a step needs before its tool may be called: slots and starts of limits, ``{"kind", "key", "limit", "per_seconds"}`` each.

    Ends with `WaitOver`: with payload ``{"granted": true}`` when the step may go on. Without it something came free, or, ``timed_out``, the place
    in time that it was given has come: then it asks again, with ``in_line`` in the second case. ``attempt`` is the attempt that is to run.
    """

    key: str
    uses: list[JsonObject]
    attempt: int
    in_line: bool = False


@value(frozen=True, slots=True)
class AwaitTasks:
    """Wait until ``needed`` of the tasks are final (all when None). Ends with `WaitOver`. ``request`` comes back in `Waiting` on re-entry."""

    key: str
    task_keys: list[str]
    needed: int | None = None
    timeout_seconds: float | None = None
    request: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class AwaitMessage:
    """Wait for the next signal or update of a name that nobody has taken. Ends with `WaitOver`, whose payload is the message."""

    key: str
    kind: Literal["signal", "update"]
    name: str
    timeout_seconds: float | None = None
    request: JsonObject = field(default_factory=dict)


@value(frozen=True, slots=True)
class AwaitApproval:
    """Ask people; ``request`` is the question, as `engine.model.requests.AskApproval` says it. Ends with `WaitOver`, whose payload is the decision."""

    key: str
    request: JsonObject


@value(frozen=True, slots=True)
class EndListening:
    """Wait no longer for messages; ``if_quiet``: only if the commit finds that none was given to the wait. Then it ends with `WaitOver`,
    payload ``{"closed": true}``, and what is sent from then on stays in the inbox; otherwise it ends with the message.
    """

    key: str
    if_quiet: bool = False


@value(frozen=True, slots=True)
class AnswerUpdate:
    """Reply to an update that a step of this run has taken, in the same commit as the step's own checkpoint."""

    key: str
    update_id: str
    result: Json = None
    error: StepError | None = None


@value(frozen=True, slots=True)
class Emit:
    """Emit an event of this run (first emit wins) together with the step's own checkpoint, which a Record for the key precedes."""

    key: str
    event_name: str
    payload: Json


@value(frozen=True, slots=True)
class NewTask:
    """One task to fork: ``key`` is its identity inside the run for ever, ``path`` where its program stands in the definition.

    ``plan`` is for activities: their queue and their limits.

    ``path`` is a list of steps into the compiled program, e.g. ["fork_id", "branch_name"] or ["activity_id"]; ``context`` the names it may see.
    """

    key: str
    kind: Literal["branch", "activity"]
    path: list[str]
    context: JsonObject = field(default_factory=dict)
    variables: JsonObject = field(default_factory=dict)
    completion_event: str | None = None
    plan: ActivityPlan | None = None


@value(frozen=True, slots=True)
class Fork:
    """Start tasks, in the same commit as the step's own checkpoint, which a Record for the key precedes."""

    key: str
    tasks: list[NewTask]


@value(frozen=True, slots=True)
class StartChild:
    """Start a workflow as a run of its own, identified for ever by (this run, ``child_key``). Awaited, if at all, by `AwaitTasks` on ``child_key``.

    When the step does not wait, the worker reports `WaitOver` with payload ``{"workflow_run_id": ...}`` as soon as the child is stored.
    """

    key: str
    child_key: str
    inputs: JsonObject
    workflow_name: str | None = None
    definition_id: str | None = None
    definition_hash: str | None = None
    wait: bool = True


@value(frozen=True, slots=True)
class CancelTasks:
    """Cancel tasks of this run by key. Carried out in the next commit; a Record for the step's key precedes it."""

    key: str
    task_keys: list[str]


@value(frozen=True, slots=True)
class AwaitLock:
    """Queue for the tenant's lock of that name. Ends with `WaitOver` when this task is the first of the queue; ``request`` as in `AwaitTasks`.

    ``ticket`` names its place in the queue where that is not ``key``: durable code may hold several locks in one step.
    """

    key: str
    name: str
    timeout_seconds: float | None = None
    request: JsonObject = field(default_factory=dict)
    ticket: str = ""


@value(frozen=True, slots=True)
class ChangeLock:
    """With the step's checkpoint: ``held`` (it was told that it has the lock), ``left`` (it waits no longer), ``released`` (all of that name)."""

    key: str
    name: str
    change: Literal["held", "left", "released"]


@value(frozen=True, slots=True)
class SetAttributes:
    """Merge into the run's search attributes, with the step's checkpoint; null takes one away."""

    key: str
    attributes: JsonObject


@value(frozen=True, slots=True)
class Finish:
    """The task is over. ``result`` is what whoever waits for it gets (a branch: task -> result; an activity: its result; a run: task -> result)."""

    outcome: Literal["completed", "failed", "cancelled", "compensated"]
    result: Json = None
    error: StepError | None = None
    failed_key: str | None = None  # the step that is the cause, for the first line a person reads
    failed_scope: str | None = None  # where that step stands; None: in the scope of this task
    continue_with: JsonObject | None = None  # inputs of the next run of the chain, which starts in the same commit


Command = (
    CallTool | Record | StartTimer | Retry | AskPerson | AwaitApproval | AwaitEvent | AwaitMessage | AwaitSlots | AwaitTasks | AwaitLock
    | ChangeLock | SetAttributes | EndListening | AnswerUpdate | Emit | Fork | StartChild | CancelTasks | Finish
)  # fmt: skip
