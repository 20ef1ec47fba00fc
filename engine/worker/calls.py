"""Tool calls under way: starts them inline or in a slot, watches their time limits, and reports their ends to the inbox."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from engine.db.errors import BusyError, ConnectionLostError
from engine.db.pool import Pool
from engine.durable.activity_context import ActivityContext
from engine.durable.cancellation import Cancellation
from engine.durable.pulse import Pulse
from engine.durable.tool_context import ToolContext, default_idempotency_key
from engine.kit.fault_points import FaultPoint, reach
from engine.model.activity import Beat
from engine.model.commands import CallTool
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolFailed, ToolSucceeded
from engine.model.json import Json, JsonObject
from engine.model.task import ClaimedTask
from engine.ports import Sandbox
from engine.queue.alone import StaleClaimError, before_commit, step_transaction
from engine.queue.library import TenantLibrary
from engine.queue.stored_code import StoredCode
from engine.tools.toolbox import RegistryToolbox
from engine.worker.attempt import attempt
from engine.worker.breakers import Breakers
from engine.worker.config import WorkerConfig
from engine.worker.inbox import CallEnded, IdentityLost, Inbox
from engine.worker.ledger import CallLedger
from engine.worker.running_call import RunningCall, checkpoint, long_running

_logger = logging.getLogger(__name__)
SLOT_PATIENCE_SECONDS = 1.0
SHOW_AFTER_SECONDS = 0.3  # a step that runs longer is shown as running
TRANSACTION_TRIES = 3  # at once, of a transactional step that met a deadlock or a lock that was held too long
REST_SECONDS = 0.5  # before it is tried again


@dataclass(slots=True)
class Calls:
    """All calls of one incarnation of the worker. Used by the loop's thread only, except where it says so."""

    config: WorkerConfig
    inbox: Inbox
    sandbox: Sandbox
    pool: Pool
    worker_id: UUID
    executor: ThreadPoolExecutor
    running: dict[tuple[UUID, str], RunningCall] = field(default_factory=dict)
    breakers: Breakers = field(init=False)
    _occupied: dict[int, RunningCall] = field(default_factory=dict)  # what a slot's thread is inside of
    _worker_name: str = field(init=False)
    _code: StoredCode = field(init=False)

    def __post_init__(self) -> None:
        self.breakers = Breakers(self.pool)
        self._worker_name = str(self.worker_id)
        self._code = StoredCode(self.pool)

    @property
    def free_slots(self) -> int:
        """Slots that no call occupies or waits for. One that nobody waits for any more may not have come back yet."""
        wanted = {id(running) for running in self.running.values() if not (running.ended or running.resting)}
        inside = {place for place, running in list(self._occupied.items()) if not running.ended}
        return max(0, self.config.slots - len(wanted | inside))

    def may_go_ahead(self, calls: Iterable[CallTool]) -> bool:
        """Whether they write nothing by themselves, so that they may start before what led to them is written."""
        specs = [self.config.tools.get(call.tool) for call in calls]
        return all(spec is not None and not (spec.transactional or spec.durable) for spec in specs)

    def start(self, task: ClaimedTask, call: CallTool, variables: JsonObject, last_details: Json = None) -> bool:
        """Start one attempt; whether it is over already. Its end arrives in the inbox in any case. ``last_details``: what the attempt before said last."""
        running = self._prepare(task, call, variables, last_details)
        if running.spec.inline and call.breaker is None:
            self._run(running)
            return True
        self.running[task.task_id, call.key] = running
        self.executor.submit(self._occupy, running)
        return False

    def forget(self, ended: CallEnded) -> None:
        """The end of a call was heard."""
        running = self.running.get((ended.task_id, ended.fact.key))
        if running and running.task.epoch == ended.epoch and running.ended:
            del self.running[ended.task_id, ended.fact.key]

    def without_slots(self) -> set[UUID]:
        """Runs and branches that have waited for a first slot for a while, as all are taken by calls that last: another worker may have one free."""
        since = time.monotonic() - SLOT_PATIENCE_SECONDS
        calls = [running for running in self.running.values() if running.task.kind != "activity" and not running.ended]
        waiting = {running.task.task_id for running in calls if running.began is None and running.asked < since}
        return waiting - {running.task.task_id for running in calls if running.began is not None}

    def stop_task(self, task_id: UUID) -> None:
        """Nobody wants the results of this task's calls any more."""
        for place in [place for place in self.running if place[0] == task_id]:
            self.running.pop(place).cancellation.set()

    def stop_all(self) -> None:
        """Stop every call."""
        for running in self.running.values():
            running.cancellation.set()
        self.running.clear()

    def expire(self) -> list[CallEnded]:
        """Attempts whose time is up: they are stopped, and count as timed out whatever they still say."""
        now = time.monotonic()
        late = [
            place for place, running in self.running.items() if running.deadline is not None and running.deadline <= now
        ]
        return [self._expired(self.running.pop(place)) for place in late]

    def seconds_to_next_deadline(self) -> float | None:
        """How long until the next attempt's time is up; None when no running attempt has a limit."""
        deadlines = [running.deadline for running in self.running.values() if running.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def activities(self) -> list[RunningCall]:
        """Attempts of activities that are under way; for the liveness thread, like `shown`."""
        return [
            running
            for running in list(self.running.values())
            if running.task.kind == "activity" and running.began is not None and not running.ended
        ]

    def last_beats(self, task_id: UUID) -> list[Beat]:
        """The last heartbeats of a task's calls, for when it is given back."""
        held = [running.last_beat for (held_id, _), running in self.running.items() if held_id == task_id]
        return [beat for beat in held if beat is not None]

    def shown(self) -> dict[UUID, tuple[ClaimedTask, list[JsonObject]]]:
        """Tasks with steps that have been running for a while, and those: for people, through the heartbeat."""
        return long_running(list(self.running.values()), time.monotonic() - SHOW_AFTER_SECONDS)

    def _prepare(self, task: ClaimedTask, call: CallTool, variables: JsonObject, last_details: Json) -> RunningCall:
        cancellation, pulse = Cancellation(), Pulse()
        make: Callable[..., ToolContext] = ToolContext
        if task.kind == "activity":
            make = partial(ActivityContext, pulse=pulse, details_before=last_details)
        context = make(
            tenant_id=task.tenant_id,
            workflow_run_id=task.workflow_run_id,
            scope=task.key,
            step_key=call.key,
            task_id=call.task_id,
            idempotency_key=call.idempotency_key or default_idempotency_key(task.workflow_run_id, task.key, call.key),
            sandbox=self.sandbox,
            attempt=call.attempt,
            timeout_seconds=call.timeout_seconds,
            worker_id=self._worker_name,
            variables=variables,
            http_policy=self.config.http_policy,
            runners=self.config.runners,
            code=self._code,
            services=self.config.services,
            cancelled=cancellation,
        )
        spec = self.config.tools[call.tool]
        if spec.library or spec.durable:
            context = replace(context, library=TenantLibrary(self.pool, task.tenant_id))
        if spec.durable:
            ledger = CallLedger(task, call, self.worker_id, self.inbox, self.pool, context.logs, cancellation)
            context = replace(context, ledger=ledger, toolbox=RegistryToolbox(self.config.tools))
        return RunningCall(task, spec, call, context, cancellation, pulse)

    def _occupy(self, running: RunningCall) -> None:
        """In a slot's thread."""
        self._occupied[id(running)] = running
        try:
            self._run(running)
        finally:
            del self._occupied[id(running)]

    def _run(self, running: RunningCall) -> None:
        """In a slot's thread, or inline."""
        running.began_at, running.began = datetime.now(UTC), time.monotonic()
        if running.cancellation.is_set():
            return  # it was cancelled while it waited for a slot
        if not running.spec.inline:  # waiting for a slot costs no working time
            running.context = replace(running.context, started_monotonic=running.began)
        try:
            reach(FaultPoint.STEP_BEFORE_BODY)
            fact = self._refusal(running) or self._fact(running)
            reach(FaultPoint.STEP_AFTER_RESULT)
        except StaleClaimError as error:
            _logger.info("step %s was abandoned: %s", running.call.key, error)  # the loop finds out by its own fence
            return
        except BusyError as error:
            _logger.warning("step %s rests, its transaction does not go through: %s", running.call.key, error)
            self._rest(running)
            return
        except ConnectionLostError as error:
            # Its transaction may have happened or not. Only what is durable knows: give everything up and load it anew.
            self.inbox.put(IdentityLost(f"a transactional step lost its connection: {error}"))
            return
        except Exception:
            _logger.exception("step %s could not be run", running.call.key)
            fact = ToolFailed(running.call.key, StepError("internal", "the worker could not run the step"))
        running.ended = True
        self.inbox.put(self._ended(running, fact, time.monotonic() - running.began))

    def _refusal(self, running: RunningCall) -> Fact | None:
        """The failure of a call that its circuit breaker does not let through; None for all others."""
        if running.guarded:
            return None  # it was let through before it rested
        guarded = self.breakers.guard(running.task, running.spec, running.call)
        if guarded is None:
            return None
        if refusal := self.breakers.refusal(guarded, running.cancellation):
            return ToolFailed(running.call.key, refusal)
        running.guarded = guarded
        return None

    def _fact(self, running: RunningCall) -> Fact:
        if not running.spec.transactional:
            return attempt(running.spec, running.call, running.context)
        for _ in range(TRANSACTION_TRIES - 1):
            try:
                return self._fact_in_transaction(running)
            except BusyError as error:
                _logger.info("step %s is tried again, its transaction was rolled back: %s", running.call.key, error)
                running.forget()
        return self._fact_in_transaction(running)

    def _rest(self, running: RunningCall) -> None:
        """Nothing was written, for a reason that passes (a full disk, a row that is held): no failure of the step, which tries again later.

        Meanwhile it occupies no slot, so that others go on.
        """
        running.forget()
        running.resting = True
        timer = threading.Timer(REST_SECONDS, self._wake, [running])
        timer.daemon = True
        timer.start()

    def _wake(self, running: RunningCall) -> None:
        running.resting = False
        with contextlib.suppress(RuntimeError):  # the executor is closed: the worker has let go of everything
            self.executor.submit(self._occupy, running)

    def _fact_in_transaction(self, running: RunningCall) -> Fact:
        with self.pool.connection() as connection:
            try:
                with step_transaction(connection, running.task, self.worker_id) as (transaction, write):
                    with before_commit():
                        fact = attempt(running.spec, running.call, replace(running.context, transaction=transaction))
                    if not isinstance(fact, ToolSucceeded):
                        raise _NotRecordedError(fact)
                    write(checkpoint(running, fact))
            except _NotRecordedError as refused:
                return refused.fact
        return ToolSucceeded(fact.key, fact.result, fact.variables, durable=True)

    def _expired(self, running: RunningCall) -> CallEnded:
        running.cancellation.set()
        lasted = time.monotonic() - (running.began or 0.0)
        return self._ended(running, ToolFailed(running.call.key, running.broken_limit(lasted)), lasted)

    def _ended(self, running: RunningCall, fact: Fact, seconds: float) -> CallEnded:
        task, guarded = running.task, running.guarded
        return CallEnded(
            task.task_id,
            task.epoch,
            running.attempt,
            fact,
            seconds,
            list(running.context.logs),
            guarded=self.breakers.outcome(guarded, fact) if guarded else None,
            beat=running.last_beat,
        )


class _NotRecordedError(Exception):
    def __init__(self, fact: Fact) -> None:
        self.fact = fact
