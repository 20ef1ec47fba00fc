"""The compiled task and its running step."""

from __future__ import annotations

from typing import cast

from engine.language.definition import Activity, RetryPolicy, Task
from engine.language.expressions import compile_value, parse_template
from engine.model.commands import CallTool, Retry
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolAsked, ToolFailed, ToolSucceeded, Waiting, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import Asked, At, Done, Effect, Failed, GivenUp, PlainOperator, Site, Step
from engine.operators.task.requests import answer, ask

NO_RETRY = RetryPolicy(max_retries=0)


class TaskOperator(PlainOperator):
    """Arguments compiled, policies settled."""

    __slots__ = ("args", "has_arguments", "idempotency_key", "kwargs", "retry", "roots", "timeout_seconds", "tool")

    def __init__(self, definition: Task | Activity, site: Site) -> None:
        self.tool = definition.function
        self.args = compile_value(definition.args)
        self.kwargs = compile_value(definition.kwargs)
        key = definition.idempotency_key
        self.idempotency_key = None if key is None else parse_template(key)
        self.roots = self.args.roots | self.kwargs.roots
        if self.idempotency_key is not None:
            self.roots |= self.idempotency_key.roots
        self.retry = definition.retry_policy or site.default_retry or NO_RETRY
        self.timeout_seconds = definition.attempt_timeout
        self.has_arguments = bool(definition.args or definition.kwargs)

    def step(self, at: At) -> Step:
        return _TaskStep(at, self)


class _TaskStep(Step):
    """``waiting_for`` is "tool" while an attempt runs, "retry" between attempts, "request" while the engine does what the tool asked."""

    __slots__ = ("attempt", "error", "input", "operator", "request", "waiting_for")

    def __init__(self, at: At, operator: TaskOperator) -> None:
        super().__init__(at)
        self.operator = operator
        self.attempt = 1
        self.waiting_for = "tool"
        self.request: JsonObject = {}
        self.input: Json = None
        self.error = StepError("tool", "the attempt failed, and the run ends before another", "NotRetried")

    def begin(self) -> Effect:
        return Asked((self._call(),))

    def resume(self, waiting: Waiting) -> Effect:
        self.attempt = max(waiting.attempt, 1)
        self.waiting_for = "retry" if waiting.kind == "retry" else "request"
        self.request = waiting.request or {"kind": "sleep"}
        return Asked()

    def settle(self, fact: Fact) -> Effect:
        if isinstance(fact, ToolSucceeded):
            return self._done(fact)
        if isinstance(fact, ToolFailed):
            return self._failed(fact.error)
        if isinstance(fact, ToolAsked):
            return self._asked(fact)
        return self._wait_over(fact)

    def give_up(self) -> Effect | None:
        if self.waiting_for == "retry":
            return Failed(self.error, gate=True, input=self.input, attempt=self.attempt)
        only_waits = self.waiting_for == "request" and self.request.get("kind") in {"sleep", "await_branches"}
        return GivenUp() if only_waits else None  # a child run is work under way, as a tool call is

    def _call(self) -> CallTool:
        operator, names = self.operator, self.at.names
        args = cast(list[Json], operator.args.render(names))
        kwargs = cast(JsonObject, operator.kwargs.render(names))
        key = operator.idempotency_key.text(names) if operator.idempotency_key else None
        self.input = {"args": args, "kwargs": kwargs} if operator.has_arguments else None
        self.waiting_for = "tool"
        return CallTool(
            self.at.key, self.at.task_id, operator.tool, args, kwargs, self.attempt, operator.timeout_seconds, key
        )

    def _done(self, fact: ToolSucceeded) -> Effect:
        return Done(
            fact.result,
            gate=not fact.durable,
            variables=fact.variables,
            input=self.input,
            attempt=self.attempt,
            committed=fact.durable,
        )

    def _failed(self, error: StepError) -> Effect:
        policy = self.operator.retry
        if not error.retryable or self.attempt > policy.max_retries:
            return Failed(error, gate=True, input=self.input, attempt=self.attempt)
        self.waiting_for = "retry"
        self.error = error
        return Asked((Retry(self.at.key, self.attempt, policy.delay_after(self.attempt), error),))

    def _asked(self, fact: ToolAsked) -> Effect:
        asked = ask(self.at, fact.request)
        if isinstance(asked, Done):
            return asked
        self.waiting_for = "request"
        self.request, commands = asked
        return Asked(commands)

    def _wait_over(self, fact: WaitOver) -> Effect:
        if self.waiting_for == "retry":
            self.attempt += 1
            return Asked((self._call(),))
        return answer(self.at, self.request, fact)
