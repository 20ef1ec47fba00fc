"""Claiming: when to look for work, what to take, and the way from a claim to a session."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import BusyError, DatabaseError, EngineError
from engine.interpreter import Program
from engine.kit.values import value
from engine.model.errors import StepError
from engine.model.task import ClaimedTask, Loaded
from engine.orchestrator.entry import enter
from engine.orchestrator.session import Session
from engine.queue.claims import LOOK_AGAIN_SECONDS, Catch, Look, Turn, Want
from engine.queue.loading import Memory, fetch_payloads, load_tasks, with_payloads
from engine.queue.payloads import Contents
from engine.queue.writes import Finished, HandedBack, TaskWrites
from engine.worker.config import POLL_SECONDS, WorkerConfig
from engine.worker.ear import Ear, Rumours
from engine.worker.orders import Orders
from engine.worker.pace import Pace
from engine.worker.programs import Programs, UnreadableDefinitionError
from engine.worker.room import CLAIMS_PER_SLOT, Room, share

_logger = logging.getLogger(__name__)
CANNOT_ENTER = "task %s of run %s cannot be entered"
MOMENT_SECONDS = 0.01  # worth waiting for, as one look then does for many tasks
CRAMPED_SECONDS = 10.0
SMALLEST_SHARE = 4  # of what the pace allows: a look for less than a fourth of it waits while there is more to do


@value(frozen=True, slots=True)
class Taken:
    """A claimed task with all that it takes to enter it, or why that cannot be had."""

    task: ClaimedTask
    loaded: Loaded
    program: Program | None
    error: StepError | None = None


class Claiming:
    """Takes due tasks in turn over the tenants, at once after a catch and else when a hint, a timer or the poll says so.

    Runs and activities are claimed apart. A run's steps are short, so more are taken than slots are free; an activity may last for hours, and
    one that waited here for a slot would be missing where one is free.
    """

    def __init__(
        self, config: WorkerConfig, connection: Connection, worker_id: UUID, programs: Programs, orders: Orders
    ) -> None:
        self.orders = orders
        self._config = config
        self._connection = connection
        self._worker_id = worker_id
        self._programs = programs
        self._turns = {config.run_queues: Turn(), config.activity_queues: Turn()}
        self._activities_first = False
        self._other_room: list[Room] = []  # what to ask for next when this look gives nothing
        self._pace = Pace()
        self._may_be_more = True  # the last look has not seen the end of what is due
        self._next_at = 0.0
        self._rumours = Rumours()
        # Kinds of which somebody said that there may be some, before it is time to look for all.
        self._hinted: set[tuple[str, ...]] = set()
        self._ear = Ear(is_deaf=not config.listens)
        self._stopped = False
        self._cramped_until = 0.0  # until then every task that is taken is to find a free slot

    @property
    def seconds_to_next(self) -> float:
        """How long until it is time to look; not positive when it is. Without end while nothing is to be taken."""
        if self.is_leaving or self.orders.state != "active":
            return math.inf
        return 0.0 if self._hinted else min(self._next_at, self._rumours.next_at) - time.monotonic()

    @property
    def is_leaving(self) -> bool:
        """Whether nothing will be taken any more."""
        return self._stopped or self.orders.state == "draining"

    def stop(self) -> None:
        """Take nothing more."""
        self._stopped = True

    def obey(self, orders: Orders) -> None:
        """Follow what was ordered from now on."""
        if orders != self.orders:
            _logger.info("worker %s is to be %s; capacity %s", self._config.name, orders.state, orders.capacity)
            self.orders = orders
            self.soon()

    def soon(self) -> None:
        """Look at the next occasion."""
        self._next_at = 0.0

    def hear(self, queue: str, *, is_for_another: bool = False) -> None:
        """There may be something in this queue; '': in any. A hint that names a queue is followed by a look at no more than that."""
        if is_for_another:
            self._rumours.hear()
        elif queue:
            self._hinted |= {queues for queues in self._turns if queue in queues}
        else:
            self.soon()

    def later(self) -> None:
        """Nothing can be taken now; look again at the next poll, or when somebody says `soon`."""
        self._next_at = time.monotonic() + POLL_SECONDS

    def short_of_slots(self) -> None:
        """Calls last so long here that tasks wait in vain behind them: for a while no more are taken than there are slots."""
        self._cramped_until = time.monotonic() + CRAMPED_SECONDS

    def gone(self, writes: TaskWrites) -> None:
        """A task was let go: there is room, and its exit may have made something claimable.

        The end of a run by itself frees at most a place under a cap, of which no hint tells: that is looked after in a moment, for many ends at once.
        """
        exit_ = writes.exit
        if not isinstance(exit_, HandedBack):  # that one nothing was got through with
            self._pace.left()
        is_plain = isinstance(exit_, Finished) and exit_.state == "completed" and not exit_.continue_with
        if self._may_be_more or not is_plain or writes.task.parent_task_id:
            self.soon()
        else:
            self._next_at = min(self._next_at, time.monotonic() + MOMENT_SECONDS)

    def look(self, held: Collection[Session], leaving: int, free_slots: int) -> Look | None:
        """What to ask for, if it is time and there is room beside the tasks that are held; ``leaving`` of them are about to go."""
        if self.seconds_to_next > 0:
            return None
        if self._rumours.take():
            self.soon()
        hinted, self._hinted = self._hinted, set()
        is_whole = self._next_at <= time.monotonic()
        room = self._room(held, leaving, free_slots)
        if self._may_be_more and room.runs * SMALLEST_SHARE < self._pace.ahead and len(held) > leaving:
            # A look costs as much as some ten tasks: sessions are about to leave, and there will be more room.
            self._next_at = time.monotonic() + MOMENT_SECONDS
            return None
        if is_whole:
            self.later()  # what it gives may bring it forward, and so does the end of a session
        wanted = [
            Want(queues, quantity, self._turns[queues])
            for queues, quantity in (
                (self._config.run_queues, min(room.runs, self._pace.at_once)),
                (self._config.activity_queues, room.activities),
            )
            if quantity > 0 and (queues if is_whole else queues in hinted)
        ]
        if not wanted:
            self._may_be_more = True
            if not is_whole:
                self.soon()  # for the room that is there, whatever may take it
            return None
        return Look(self._worker_id, wanted, is_whole=is_whole, is_urgent=self._pace.is_shared, listens=self._ear.wish)

    def take_up(self, catch: Catch | None) -> list[Taken]:
        """Load all that it takes to enter what was caught; None: the look could not be made, for a reason that passes.

        Never fails for one task's sake: what cannot be loaded has its error.
        """
        if catch is None:
            self._next_at = min(self._next_at, time.monotonic() + LOOK_AGAIN_SECONDS)
            return []
        self._note(catch)
        tasks = catch.tasks
        try:
            return self._load(tasks, catch.memories)
        except BusyError as error:
            _logger.warning("nothing could be taken up now: %s", error)  # a claim without a session is let go
            self.later()
            return []

    def enter(self, taken: Iterable[Taken]) -> list[Session]:
        """Make sessions of what was taken up. It needs no connection; a task that cannot be entered ends with the reason."""
        sessions = [_enter(each) for each in taken]
        for session in sessions:
            session.always_suspend = self._config.always_suspend
        return sessions

    def _load(self, tasks: Sequence[ClaimedTask], memories: Mapping[UUID, Memory]) -> list[Taken]:
        """All at once, or, when the database refuses that, one by one."""
        try:
            loaded = load_tasks(self._connection, tasks, memories)
            contents = fetch_payloads(self._connection, tasks, loaded)
        except DatabaseError as error:
            if len(tasks) > 1:
                return [taken for task in tasks for taken in self._load([task], memories)]
            _logger.exception(CANNOT_ENTER, tasks[0].task_id, tasks[0].workflow_run_id)
            return [Taken(tasks[0], Loaded(), None, _cannot_enter(error))]
        return [self._taken(task, loaded[task.task_id], contents) for task in tasks]

    def _room(self, held: Collection[Session], leaving: int, free_slots: int) -> Room:
        if self._other_room:
            return self._other_room.pop()
        total = (self.orders.capacity or self._config.capacity) - len(held) + leaving
        if self.orders.batch is not None:
            total = min(total, self.orders.batch)
        activities = sum(1 for session in held if session.task.kind == "activity")
        slots = self._config.activity_slots - activities if self._config.activity_queues else 0
        self._activities_first = not self._activities_first
        room, *self._other_room = share(
            total,
            free_slots,
            slots,
            ahead=self._pace.ahead - len(held) + leaving,
            per_slot=1 if time.monotonic() < self._cramped_until else CLAIMS_PER_SLOT,
            activities_first=self._activities_first,
        )
        return room

    def _note(self, catch: Catch) -> None:
        """When to look again: at once while there may be more, at the end of the round of tenants, or for what there was no room beside this.

        Else when something is due, or a hint comes.
        """
        leaves_some = False
        for caught in catch.caught:
            self._turns[caught.want.queues] = caught.next_turn
            leaves_some = leaves_some or caught.leaves_some
            if caught.want.is_shared(caught.tasks):
                self._pace.shared()
        all_seen = len(catch.look.wanted) == len(self._turns) if catch.look.is_whole else not self._may_be_more
        self._may_be_more = leaves_some or not all_seen
        if catch.tasks:
            self._other_room = []
        seconds = self._ear.looked(told=catch.look.listens, leaves_some=leaves_some)
        if catch.next_in_seconds is not None:
            seconds = min(seconds, catch.next_in_seconds)
        self._next_at = min(self._next_at, 0.0 if leaves_some or self._other_room else time.monotonic() + seconds)

    def _taken(self, task: ClaimedTask, loaded: Loaded, contents: Contents) -> Taken:
        try:
            task, loaded = with_payloads(task, loaded, contents)
            program = None if task.phase == "undoing" else self._programs.get(self._connection, task)
            return Taken(task, loaded, program)
        except EngineError:
            raise  # the database's, not the task's
        except UnreadableDefinitionError as error:
            return Taken(task, loaded, None, StepError("internal", str(error), type(error).__name__, retryable=False))
        except Exception as error:
            _logger.exception(CANNOT_ENTER, task.task_id, task.workflow_run_id)
            return Taken(task, loaded, None, _cannot_enter(error))


def _enter(taken: Taken) -> Session:
    try:
        return enter(taken.task, taken.program, taken.loaded, taken.error)
    except Exception as error:
        _logger.exception(CANNOT_ENTER, taken.task.task_id, taken.task.workflow_run_id)
        return enter(taken.task, None, taken.loaded, _cannot_enter(error))


def _cannot_enter(error: Exception) -> StepError:
    reason = f"the run cannot be taken up: {type(error).__name__}: {error}"
    return StepError("internal", reason, type(error).__name__, retryable=False)
