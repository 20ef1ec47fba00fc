"""Circuit breakers as a worker sees them: who is asked before a call, and what is told after it.

A breaker that was found closed is trusted for a second, so that a resource that is well costs no round trip a step; every other answer comes
from the database, which alone decides who is the probe. A failure ends the trust.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.db.errors import BusyError
from engine.db.pool import Pool
from engine.db.queries import load
from engine.durable.cancellation import Cancellation
from engine.model.breakers import BreakerPolicy, circuit_open
from engine.model.commands import CallTool
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolFailed
from engine.model.task import ClaimedTask
from engine.queue.writes import CallWrite
from engine.tools.errors import ToolError
from engine.tools.spec import ToolSpec, bind

_logger = logging.getLogger(__name__)
_sql = load("breaker")
TRUST_SECONDS = 1.0
MOST_REMEMBERED = 10_000
MAX_RESOURCE = 200


@dataclass(frozen=True, slots=True)
class Guarded:
    """One call behind a breaker."""

    task: ClaimedTask
    step_key: str
    workflow_name: str
    resource_key: str
    policy: BreakerPolicy

    @property
    def place(self) -> tuple[UUID, str, str]:
        """The key of the breaker."""
        return self.task.tenant_id, self.workflow_name, self.resource_key


class Breakers:
    """Used by the threads of all slots at once; what they remember of closed breakers needs no lock, a stale glimpse only costs a question."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._trusted: dict[tuple[UUID, str, str], float] = {}
        self._doubted: dict[tuple[UUID, str, str], float] = {}

    def guard(self, task: ClaimedTask, spec: ToolSpec[Any], call: CallTool) -> Guarded | None:
        """The breaker of a call; None when its author wants none."""
        policy = call.breaker
        if policy is None:
            return None
        resource = (policy.resource or _resource(spec, call))[:MAX_RESOURCE]
        return Guarded(task, call.key, task.name if policy.per_workflow else "", resource, policy)

    def refusal(self, guarded: Guarded, cancelled: Cancellation) -> StepError | None:
        """Why the call may not be made now; None lets it through. Blocks for a moment when others ask for the same breaker."""
        if self._trusted.get(guarded.place, 0.0) > time.monotonic():
            return None
        while not cancelled.is_set():
            try:
                return self._ask(guarded)
            except BusyError as error:
                _logger.info("the breaker of %s is asked again: %s", guarded.resource_key, error)
        return circuit_open(guarded.resource_key, 0.0)  # nobody wants the call any more

    def outcome(self, guarded: Guarded, fact: Fact) -> CallWrite:
        """What the breaker is to hear with the next commit."""
        error = fact.error if isinstance(fact, ToolFailed) else None
        outcome = guarded.policy.outcome(error)
        if outcome == "failed":
            # Until that is committed, and a little longer, nobody here takes the breaker for closed without asking.
            if len(self._doubted) >= MOST_REMEMBERED:
                self._forget_old_doubts()
            self._doubted[guarded.place] = time.monotonic() + TRUST_SECONDS
            self._trusted.pop(guarded.place, None)
        return CallWrite(guarded.step_key, guarded.workflow_name, guarded.resource_key, outcome, guarded.policy, error)

    def _ask(self, guarded: Guarded) -> StepError | None:
        task = guarded.task
        with self._pool.connection() as connection:
            row = _sql.admit.one(
                connection,
                tenant_id=task.tenant_id,
                workflow_name=guarded.workflow_name,
                resource_key=guarded.resource_key,
                run_id=task.workflow_run_id,
                scope=task.key,
                task_id=task.task_id,
                epoch=task.epoch,
                step_key=guarded.step_key,
            )
        assert row is not None  # noqa: S101 - the function always answers
        if not row["admitted"]:
            return circuit_open(guarded.resource_key, row["seconds"])
        if row["state"] == "closed":
            self._trust(guarded.place)
        return None

    def _trust(self, place: tuple[UUID, str, str]) -> None:
        now = time.monotonic()
        if self._doubted.get(place, 0.0) > now:
            return
        if len(self._trusted) >= MOST_REMEMBERED:
            self._trusted.clear()
        self._trusted[place] = now + TRUST_SECONDS

    def _forget_old_doubts(self) -> None:
        now = time.monotonic()
        for place in [place for place, until in list(self._doubted.items()) if until <= now]:
            self._doubted.pop(place, None)


def _resource(spec: ToolSpec[Any], call: CallTool) -> str:
    """The tool, and where calls of it may fail apart, what is called by it."""
    if spec.resource is None:
        return spec.name
    try:
        return f"{spec.name}:{spec.resource(bind(spec, call.args, call.kwargs))}"
    except ToolError:
        return spec.name  # its arguments are wrong, and the call itself will say so
