"""Claiming tasks and loading what is durable about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from uuid import UUID

from engine.db.connection import Connection, Cursor, Row, cursor
from engine.db.errors import translated
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.model.activity import ActivityPast, FailedAttempt
from engine.model.errors import StepError
from engine.model.facts import Recorded, WaitOver
from engine.model.json import Json, JsonObject
from engine.model.task import ClaimedTask, Loaded
from engine.model.undo import Undo
from engine.queue.granting import granted
from engine.queue.payloads import Contents, fetch, references, unpack
from engine.queue.waits import add_wait

_sql = load("task")
_activities = load("activity")
NO_TENANT = UUID(int=0)
LAST_TENANT = UUID(int=2**128 - 1)
LOOK_AGAIN_SECONDS = 0.1
WAKE_BATCH = 500  # sleepers that one claim may wake, so that no claim takes long


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is: the tenant behind ``after_tenant``, or, while ``credit`` is left of its weight, that tenant itself."""

    after_tenant: UUID = NO_TENANT
    credit: int = 0

    @property
    def from_tenant(self) -> UUID:
        """The first tenant that may be served."""
        return self.after_tenant if self.credit else UUID(int=min(self.after_tenant.int + 1, LAST_TENANT.int))

    def behind(self, tasks: Sequence[ClaimedTask], quantity: int) -> Turn:
        """The turn after a claim of up to ``quantity`` that gave ``tasks``; without any it is the first tenant's again."""
        if not tasks:
            return Turn()
        last = tasks[-1]
        taken = sum(1 for task in tasks if (task.tenant_id, task.queue) == (last.tenant_id, last.queue))
        return Turn(last.tenant_id, max(0, last.turn_size - taken) if len(tasks) >= quantity else 0)


@dataclass(frozen=True, slots=True)
class Want:
    """So many tasks of these queues, and whose turn it is."""

    queues: tuple[str, ...]
    quantity: int
    turn: Turn = Turn()

    def leaves_some(self, caught: Sequence[ClaimedTask]) -> bool:
        """Whether more may be due than was caught: the quantity is used up, or the turn of a tenant is."""
        return len(caught) >= self.quantity or bool(_used_up(caught))

    def is_shared(self, caught: Sequence[ClaimedTask]) -> bool:
        """Whether a tenant got all that it had beside one that has more than its turn."""
        cut_off = caught[-1:] if len(caught) >= self.quantity else ()
        many = {tenant_id for tenant_id, _ in _used_up(caught)} | {task.tenant_id for task in cut_off}
        return bool(_used_up(caught)) and not many.issuperset(task.tenant_id for task in caught)


def _used_up(caught: Sequence[ClaimedTask]) -> set[tuple[UUID, str]]:
    """The places, tenants' queues, of which a look has taken as many as it may at once."""
    taken = Counter((task.tenant_id, task.queue) for task in caught)
    return {(task.tenant_id, task.queue) for task in caught if taken[task.tenant_id, task.queue] >= task.turn_size}


def claim(
    connection: Connection,
    *,
    worker_id: UUID,
    queues: Sequence[str],
    quantity: int,
    after_tenant: UUID = NO_TENANT,
    credit: int = 0,
) -> list[ClaimedTask]:
    """Take up to ``quantity`` due tasks; tenants take turns by their weight, as `Turn` says."""
    where = _where(worker_id, queues, quantity, Turn(after_tenant, credit))
    return [ClaimedTask(**row) for row in _sql.claim.many(connection, **where)]


def wake_due(connection: Connection, *, quantity: int) -> tuple[int, float | None]:
    """Make sleepers whose time has come claimable. Returns how many, and the seconds until the next one is due, if any."""
    row = _sql.wake_due.one(connection, quantity=quantity)
    return (row["woken"], row["next_in_seconds"]) if row else (0, None)


@dataclass(frozen=True, slots=True)
class Catch:
    """What a look for work gave: the tasks of each wish, and in how many seconds to look again at the latest, None: whenever."""

    wanted: Sequence[Want]
    tasks: list[list[ClaimedTask]]
    next_in_seconds: float | None


class Look:
    """`wake_due` and claims on their way, in one round trip: sent into a pipeline, and heard when the pipeline has been emptied.

    One that ``is_urgent`` is to be made before whatever else is to be sent.
    """

    def __init__(self, worker_id: UUID, wanted: Sequence[Want], *, is_urgent: bool = False) -> None:
        self.is_urgent = is_urgent
        self._wanted = wanted
        self._worker_id = worker_id
        self._woken: Cursor | None = None
        self._claimed: list[Cursor] = []
        self._next_in_seconds: float | None = None

    def send(self, connection: Connection) -> None:
        """Send all of it. The connection is in pipeline mode and in no transaction."""
        reach(FaultPoint.TIMER_SCAN)
        reach(FaultPoint.CLAIM_BEFORE)
        self._woken = _sql.wake_due.send(cursor(connection), quantity=WAKE_BATCH)
        self._claimed = [
            _sql.claim.send(cursor(connection), **_where(self._worker_id, want.queues, want.quantity, want.turn))
            for want in self._wanted
        ]

    def receive(self, connection: Connection) -> None:
        """When slots came free, those who wait for them get them too: then the next look is due at once, or soon if they could not be given yet."""
        row = self._woken.fetchone() if self._woken else None
        reach(FaultPoint.CLAIM_AFTER_COMMIT)
        self._next_in_seconds = row["next_in_seconds"] if row else None
        if row and row["slots_freed"]:
            self._next_in_seconds = 0.0 if granted(connection) else LOOK_AGAIN_SECONDS

    def catch(self) -> Catch:
        """What there was, once it is received."""
        claimed = [[ClaimedTask(**task) for task in tasks] for tasks in self._claimed]
        return Catch(self._wanted, claimed, self._next_in_seconds)


def _where(worker_id: UUID, queues: Sequence[str], quantity: int, turn: Turn) -> dict[str, Any]:
    return {
        "worker_id": worker_id,
        "queues": list(queues),
        "quantity": quantity,
        "from_tenant": turn.from_tenant,
        "credit": turn.credit,
    }


def load_definition(connection: Connection, *, tenant_id: UUID, definition_hash: str) -> Json:
    """The stored definition, or None when it is gone."""
    row = _sql.load_definition.one(connection, tenant_id=tenant_id, definition_hash=definition_hash)
    return row["definition"] if row else None


def load_tasks(connection: Connection, tasks: Sequence[ClaimedTask]) -> dict[UUID, Loaded]:
    """Everything durable about re-entered tasks, in one round trip; fresh runs have nothing to load."""
    loaded = {task.task_id: Loaded() for task in tasks}
    again = [task for task in tasks if task.attempt > 1 or task.kind != "workflow"]  # a fork leaves variables
    if not again:
        return loaded
    reach(FaultPoint.LOAD_CHECKPOINTS)
    scopes = {
        "tenant_ids": [task.tenant_id for task in again],
        "run_ids": [task.workflow_run_id for task in again],
        "scopes": [task.key for task in again],
    }
    with translated(), connection.pipeline():
        checkpoints = _sql.load_checkpoints.send(cursor(connection), **scopes)
        variables = _sql.load_variables.send(cursor(connection), **scopes)
        waits = _sql.load_waits.send(
            cursor(connection), tenant_ids=scopes["tenant_ids"], task_ids=[task.task_id for task in again]
        )
        pasts = _load_pasts(connection, [task for task in again if task.kind == "activity"])
    _load_undo(connection, tasks, loaded)
    by_scope = {(task.workflow_run_id, task.key): loaded[task.task_id] for task in again}
    for row in checkpoints:
        by_scope[row["workflow_run_id"], row["scope"]].recorded.append(_recorded(row))
    for row in variables:
        by_scope[row["workflow_run_id"], row["scope"]].variables[row["name"]] = row["value"]
    for row in waits:
        add_wait(loaded[row["task_id"]], row)
    for row in pasts or ():
        failed = FailedAttempt.from_json(row["failed_attempt"]) if row["failed_attempt"] else None
        loaded[row["task_id"]].past = ActivityPast(row["details"], failed)
    return loaded


def _load_undo(connection: Connection, tasks: Sequence[ClaimedTask], loaded: dict[UUID, Loaded]) -> None:
    undoing = [task for task in tasks if task.phase == "undoing"]
    if not undoing:
        return
    runs = {"tenant_ids": [task.tenant_id for task in undoing], "run_ids": [task.workflow_run_id for task in undoing]}
    with translated(), connection.pipeline():
        registered = _sql.load_undo.send(cursor(connection), **runs)
        forks = _sql.load_open_forks.send(cursor(connection), **runs)
    for row in registered:
        loaded[row["workflow_run_id"]].undo.append(Undo(row["scope"], row["step_key"], row["call"]))
    for row in forks:
        loaded[row["workflow_run_id"]].open_forks = row["open_forks"]


def _load_pasts(connection: Connection, activities: Sequence[ClaimedTask]) -> Cursor | None:
    if not activities:
        return None
    return _activities.load.send(
        cursor(connection),
        tenant_ids=[task.tenant_id for task in activities],
        task_ids=[task.task_id for task in activities],
    )


def load_waits(connection: Connection, tasks: Iterable[ClaimedTask]) -> dict[UUID, Loaded]:
    """The open waits of tasks that are being executed: what has come while they were busy."""
    held = list(tasks)
    loaded = {task.task_id: Loaded() for task in held}
    for row in _sql.load_waits.many(
        connection, tenant_ids=[task.tenant_id for task in held], task_ids=[task.task_id for task in held]
    ):
        add_wait(loaded[row["task_id"]], row)
    contents = fetch_payloads(connection, held, loaded)
    return {task.task_id: with_payloads(task, loaded[task.task_id], contents)[1] for task in held}


def fetch_payloads(connection: Connection, tasks: Iterable[ClaimedTask], loaded: Mapping[UUID, Loaded]) -> Contents:
    """What the rows of these tasks refer to and do not hold themselves; no round trip when they hold everything."""
    return fetch(
        connection,
        (
            (task.tenant_id, digest)
            for task in tasks
            for value in (task.inputs, task.context, *_values(loaded[task.task_id]))
            for digest in references(value)
        ),
    )


def with_payloads(task: ClaimedTask, loaded: Loaded, contents: Contents) -> tuple[ClaimedTask, Loaded]:
    """The task and what is loaded of it, whole. Raises `LookupError` when a payload is gone."""
    if not contents:
        return task, loaded
    whole = partial(unpack, task.tenant_id, contents=contents)
    inputs, context = cast(JsonObject, whole(task.inputs)), cast(JsonObject, whole(task.context))
    return replace(task, inputs=inputs, context=context), replace(
        loaded,
        recorded=[replace(step, result=whole(step.result)) for step in loaded.recorded],
        over=[replace(over, payload=_each(loaded, over, whole)) for over in loaded.over],
        variables={name: whole(value) for name, value in loaded.variables.items()},
    )


def _values(loaded: Loaded) -> Iterator[Json]:
    yield from (step.result for step in loaded.recorded)
    yield from loaded.variables.values()
    stored: list[Json] = []

    def note(value: Json) -> Json:
        stored.append(value)
        return value

    for over in loaded.over:
        _each(loaded, over, note)
    yield from stored


def _each(loaded: Loaded, over: WaitOver, change: Callable[[Json], Json]) -> Json:
    """A payload, each value of it changed that was stored by itself: of awaited tasks the end of each, else the whole."""
    is_tasks = any(wait.key == over.key and wait.kind == "tasks" for wait in loaded.waiting)
    if is_tasks and isinstance(over.payload, dict):
        return {key: change(entry) for key, entry in over.payload.items()}
    return change(over.payload)


def _recorded(row: Row) -> Recorded:
    error = StepError.from_json(row["error"]) if row["error"] else None
    return Recorded(row["step_key"], row["operator"], row["outcome"], row["result"], error)
