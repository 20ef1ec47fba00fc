"""Claiming tasks: whose turn it is, and the look that takes what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, Cursor, Row, cursor
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.model.task import ClaimedTask
from engine.queue.granting import granted
from engine.queue.loading import Memory

_sql = load("task")
_workers = load("worker")
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
    want = Want(tuple(queues), quantity, Turn(after_tenant, credit))
    return _caught(want, _sql.claim.many(connection, **_where(worker_id, want)), {}).tasks


def wake_due(connection: Connection, *, quantity: int) -> tuple[int, float | None]:
    """Make sleepers whose time has come claimable, and tell who serves them. Returns how many, and the seconds until the next one is due, if any."""
    row = _sql.wake_due.one(connection, quantity=quantity, served=[])
    return (row["woken"], row["next_in_seconds"]) if row else (0, None)


@dataclass(frozen=True, slots=True)
class Caught:
    """What one wish of a look got. ``put_off``: the tenant that was looked at last, where some went to sleep at their gates in place of being caught."""

    want: Want
    tasks: list[ClaimedTask]
    put_off: UUID | None = None

    @property
    def leaves_some(self) -> bool:
        """Whether there may be more: behind what was caught, or behind what was put off."""
        return self.put_off is not None or self.want.leaves_some(self.tasks)

    @property
    def next_turn(self) -> Turn:
        """Whose turn it is in the look that follows. Those that stand in line at their gates have had theirs."""
        if self.put_off is not None:
            return Turn(self.put_off)
        return self.want.turn.behind(self.tasks, self.want.quantity) if self.leaves_some else Turn()


@dataclass(frozen=True, slots=True)
class Catch:
    """What a look for work gave: what each wish got, what some of the tasks have done before, and in how many seconds to look again at the latest,
    None: whenever.
    """

    look: Look
    caught: list[Caught]
    memories: Mapping[UUID, Memory]
    next_in_seconds: float | None

    @property
    def tasks(self) -> list[ClaimedTask]:
        """All of them."""
        return [task for each in self.caught for task in each.tasks]


class Look:
    """`wake_due` and claims on their way, in one round trip: sent into a pipeline, and heard when the pipeline has been emptied.

    One that ``is_urgent`` is to be made before whatever else is to be sent. One that is not whole follows a hint: it asks for what the hint names,
    and wakes nobody. ``listens``, unless it is None, is whether the worker is to be told of work from then on.
    """

    def __init__(
        self,
        worker_id: UUID,
        wanted: Sequence[Want],
        *,
        is_whole: bool = True,
        is_urgent: bool = False,
        listens: bool | None = None,
    ) -> None:
        self.wanted = wanted
        self.is_whole = is_whole
        self.is_urgent = is_urgent
        self.listens = listens
        self._worker_id = worker_id
        self._woken: Cursor | None = None
        self._claimed: list[Cursor] = []
        self._next_in_seconds: float | None = None

    def send(self, connection: Connection) -> None:
        """Send all of it. The connection is in pipeline mode and in no transaction."""
        if self.listens is not None:
            _workers.listen.send(cursor(connection), worker_id=self._worker_id, listens=self.listens)
        if self.is_whole:
            reach(FaultPoint.TIMER_SCAN)
            served = [queue for want in self.wanted for queue in want.queues]
            self._woken = _sql.wake_due.send(cursor(connection), quantity=WAKE_BATCH, served=served)
        reach(FaultPoint.CLAIM_BEFORE)
        self._claimed = [_sql.claim.send(cursor(connection), **_where(self._worker_id, want)) for want in self.wanted]

    def receive(self, connection: Connection) -> None:
        """When slots came free, those who wait for them get them too: then the next look is due at once, or soon if they could not be given yet."""
        row = self._woken.fetchone() if self._woken else None
        reach(FaultPoint.CLAIM_AFTER_COMMIT)
        self._next_in_seconds = row["next_in_seconds"] if row else None
        if row and row["slots_freed"]:
            self._next_in_seconds = 0.0 if granted(connection) else LOOK_AGAIN_SECONDS

    def catch(self) -> Catch:
        """What there was, once it is received."""
        memories: dict[UUID, Memory] = {}
        caught = [_caught(want, rows, memories) for want, rows in zip(self.wanted, self._claimed, strict=True)]
        return Catch(self, caught, memories, self._next_in_seconds)


def _caught(want: Want, rows: Iterable[Row], memories: MutableMapping[UUID, Memory]) -> Caught:
    tasks: list[ClaimedTask] = []
    put_off: UUID | None = None
    for row in rows:
        memory = row.pop("memory")
        if memory is not None:
            memories[row["task_id"]] = memory
        if row["task_id"] is None:
            put_off = row["tenant_id"]
        else:
            tasks.append(ClaimedTask(**row))
    return Caught(want, tasks, put_off)


def _where(worker_id: UUID, want: Want) -> dict[str, Any]:
    return {
        "worker_id": worker_id,
        "queues": list(want.queues),
        "quantity": want.quantity,
        "from_tenant": want.turn.from_tenant,
        "credit": want.turn.credit,
    }
