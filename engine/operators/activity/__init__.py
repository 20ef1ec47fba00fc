"""``activity``: queues a long call as a task of its own and goes on at once.

Result ``{"activity_id": task key, "completion_event": event}``; the event is emitted when the activity has ended.
"""

from __future__ import annotations

from engine.language.definition import Activity
from engine.language.expressions import compile_value
from engine.model.activity import ActivityPlan
from engine.model.commands import Fork, NewTask
from engine.model.json import Json
from engine.operators.kit.base import At, Done, Effect, PlainOperator, Site, Step


class ActivityOperator(PlainOperator):
    """Only forks: the call itself is the one-task program at this operator's path."""

    __slots__ = ("plan", "roots", "site")

    def __init__(self, definition: Activity, site: Site) -> None:
        self.site = site
        retry = definition.retry_policy or site.default_retry
        self.plan = ActivityPlan(
            function=definition.function,
            queue=definition.queue,
            max_attempts=retry.max_retries + 1 if retry else 1,
            schedule_to_start=definition.schedule_to_start_timeout,
            start_to_close=definition.attempt_timeout,
            heartbeat=definition.heartbeat_timeout,
            schedule_to_close=definition.schedule_to_close_timeout,
        )
        self.roots = compile_value(definition.args).roots | compile_value(definition.kwargs).roots
        if definition.idempotency_key is not None:
            self.roots |= compile_value(definition.idempotency_key).roots

    def step(self, at: At) -> Step:
        return _ActivityStep(at, self)

    def forked(self, result: Json) -> tuple[str, ...]:
        key = result.get("activity_id") if isinstance(result, dict) else None
        return (key,) if isinstance(key, str) else ()


class _ActivityStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: ActivityOperator) -> None:
        super().__init__(at)
        self.operator = operator

    def begin(self) -> Effect:
        at, operator = self.at, self.operator
        key = at.qualified_key
        event = f"activity:{key}:completed"
        task = NewTask(
            key=key,
            kind="activity",
            path=list(operator.site.path),
            context=at.names.closure(operator.roots),
            variables=dict(at.variables),
            completion_event=event,
            plan=operator.plan,
        )
        return Done({"activity_id": key, "completion_event": event}, then=(Fork(at.key, [task]),))
