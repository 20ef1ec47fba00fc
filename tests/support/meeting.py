"""Two operations on runs of one tenant that meet: the second is proved to be blocked by the first, or to pass it by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from engine.db.connection import connect
from engine.model.commands import StartChild
from engine.model.errors import StepError
from engine.model.task import ClaimedTask
from engine.queue.claims import NO_TENANT, claim, wake_due
from engine.queue.commit import commit
from engine.queue.writes import Finished, Suspended, TaskWrites, WaitWrite
from engine.services.rescue import rescue
from tests.support.databases import Database
from tests.support.interleaving import Second, problems
from tests.support.runs import ONE_TASK, WORKER, scalar, start, take, write

Act = Callable[[psycopg.Connection[Any]], Any]
HEAR = WaitWrite("hear", "event", event_name="go")
ERROR = StepError("tool", "broken")
QUESTION: dict[str, Any] = {"kind": "exhausted", "tool": "tools.log.info", "input": None, "error": ERROR.to_json()}


@dataclass
class Meeting:
    """Runs of one tenant on a queue of their own, so that tests share a database."""

    database: Database
    tenant: UUID

    def start(self, definition: Any = ONE_TASK, **how: Any) -> UUID:
        with connect(self.database.worker) as connection:
            return start(connection, self.tenant, definition, queue=str(self.tenant), **how)

    def take(self) -> list[ClaimedTask]:
        return take(self.database.worker, queues=(str(self.tenant),))

    def taken(self, **how: Any) -> ClaimedTask:
        """A new run's claimed task."""
        run = self.start(**how)
        return next(task for task in self.take() if task.task_id == run)

    def asleep(self, *waits: WaitWrite) -> UUID:
        """A run that sleeps until the event ``go``, or on other waits."""
        task = self.taken()
        write(self.database.worker, TaskWrites(task, waits=list(waits or (HEAR,)), exit=Suspended()))
        return task.task_id

    def exhausted(self) -> UUID:
        """A run that is paused because its step ``a`` waits for a person."""
        task = self.taken()
        self.now(writing(exhausting(task)))
        return task.task_id

    def failed(self) -> UUID:
        """A run that has failed."""
        task = self.taken()
        self.now(writing(TaskWrites(task, exit=Finished("failed", error=ERROR.to_json()))))
        return task.task_id

    def with_child(self) -> tuple[ClaimedTask, UUID]:
        """A claimed task, and the child run that it has started."""
        task = self.taken()
        child = self.now(writing(starting(task))).children[task.task_id, "kid"]
        assert child is not None
        return task, child

    def asking(self, do: Callable[..., Any], run: UUID, **how: Any) -> Act:
        """An operation of the facade on a run."""
        return lambda connection: do(connection, tenant_id=self.tenant, workflow_run_id=run, **how)

    def claiming(self, connection: psycopg.Connection[Any]) -> list[UUID]:
        """A claim; the tasks that were taken."""
        queues: Sequence[str] = (str(self.tenant),)
        found = claim(connection, worker_id=WORKER, queues=queues, quantity=10, after_tenant=NO_TENANT)
        return [task.task_id for task in found]

    def now(self, act: Act) -> Any:
        """Do it, and be done."""
        with connect(self.database.worker) as connection:
            return act(connection)

    def blocked(self, first: Act, second: Act) -> tuple[Any, Any]:
        """Begin the first, see the second blocked by it, end the first; what became of both."""
        with connect(self.database.worker) as one, connect(self.database.worker) as observer:
            with one.transaction():
                result = first(one)
                other = Second(self.database.worker, second)
                other.wait_until_blocked(observer, by=one)
            return result, other.result()

    def passed_by(self, first: Act, second: Act) -> tuple[Any, Any]:
        """Begin the first, do the second, which does not wait for it, end the first."""
        with (
            connect(self.database.worker) as one,
            connect(self.database.worker, lock_seconds=1) as other,
            one.transaction(),
        ):
            return first(one), second(other)

    def states(self, run: UUID) -> dict[str, str]:
        """State by key of the run's tasks, which nothing may contradict."""
        found = problems(self.database.worker, grace_seconds=60)
        assert [problem for problem in found if str(run) in problem] == []
        with connect(self.database.worker) as connection:
            return dict(
                connection.execute("SELECT key, state FROM highway.task WHERE workflow_run_id = %s", [run]).fetchall()
            )

    def state(self, run: UUID) -> str:
        """The state of the run's own task."""
        return self.states(run)[""]

    def value(self, query: str, *parameters: Any) -> Any:
        with connect(self.database.worker) as connection:
            return scalar(connection, query, *parameters)


def writing(*writes: TaskWrites) -> Act:
    """A group commit of a worker."""
    return lambda connection: commit(connection, writes, WORKER)


def ending(task: ClaimedTask) -> TaskWrites:
    """The task completes."""
    return TaskWrites(task, exit=Finished("completed"))


def suspending(task: ClaimedTask, *waits: WaitWrite) -> TaskWrites:
    """The task goes to sleep until the event ``go``, or on other waits."""
    return TaskWrites(task, waits=list(waits or (HEAR,)), exit=Suspended())


def exhausting(task: ClaimedTask) -> TaskWrites:
    """The attempts of the task's step ``a`` are spent, and its run is to pause for a person."""
    wait = WaitWrite("a", "person", attempt=1, error=ERROR, request=QUESTION)
    return TaskWrites(task, waits=[wait], pause_for="a failed", exit=Suspended())


def starting(task: ClaimedTask) -> TaskWrites:
    """The task starts a child run."""
    return TaskWrites(task, children=[StartChild("kids", "kid", {}, workflow_name=str(ONE_TASK["name"]))])


def waking(connection: psycopg.Connection[Any]) -> int:
    """Sleepers whose time has come are woken; how many were."""
    return wake_due(connection, quantity=100)[0]


def rescuing(connection: psycopg.Connection[Any]) -> None:
    """Tasks of workers that do not exist become claimable."""
    rescue(connection, WORKER)
