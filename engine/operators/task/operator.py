"""The compiled task and its running step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from engine.language.definition import Activity, RetryPolicy, Task
from engine.language.expressions import compile_value, parse_template
from engine.model.commands import (
    AskPerson,
    AwaitEvent,
    AwaitLock,
    AwaitMessage,
    AwaitSlots,
    AwaitTasks,
    CallTool,
    Command,
    Retry,
    StartChild,
    StartTimer,
)
from engine.model.errors import StepError
from engine.model.facts import Fact, ToolAsked, ToolFailed, ToolNoted, ToolSucceeded, Waiting, WaitOver
from engine.model.json import Json, JsonObject
from engine.model.requests import CallAgain
from engine.operators.kit.base import (
    Asked,
    At,
    Done,
    Effect,
    Ended,
    Failed,
    GivenUp,
    LockChange,
    PlainOperator,
    Site,
    Step,
)
from engine.operators.task import tries
from engine.operators.task.guarding import breaker_of
from engine.operators.task.limits import CompiledLimits
from engine.operators.task.notes import Notes
from engine.operators.task.requests import answer, ask, leave
from engine.operators.task.undo import CompiledUndo

NO_RETRY = RetryPolicy(max_retries=0)
_LOCK_CHANGES: Mapping[str, LockChange] = {"tools.lock.acquire": "taken", "tools.lock.release": "let_go"}
_GIVEN_UP = frozenset(
    {"sleep", "await_branches", "hear", "take", "lock", "approval"}
)  # waits that nothing is lost with


class TaskOperator(PlainOperator):
    """Arguments compiled, policies settled."""

    __slots__ = (
        "args",
        "asks_person",
        "breaker",
        "has_arguments",
        "heartbeat_seconds",
        "idempotency_key",
        "kwargs",
        "limits",
        "retry",
        "roots",
        "timeout_seconds",
        "tool",
        "undo",
    )

    def __init__(self, definition: Task | Activity, site: Site) -> None:
        self.tool = definition.function
        self.args = compile_value(definition.args)
        self.kwargs = compile_value(definition.kwargs)
        key = definition.idempotency_key
        self.idempotency_key = None if key is None else parse_template(key)
        self.limits = CompiledLimits(definition.limits)
        self.roots = self.args.roots | self.kwargs.roots | self.limits.roots
        if self.idempotency_key is not None:
            self.roots |= self.idempotency_key.roots
        self.undo: CompiledUndo | None = None
        if definition.compensation is not None:
            self.undo = CompiledUndo(definition.compensation, definition.task_id, definition.result_key)
            self.roots |= self.undo.roots
        self.retry = definition.retry_policy or site.default_retry or NO_RETRY
        self.timeout_seconds = definition.attempt_timeout
        self.breaker = breaker_of(definition)
        self.heartbeat_seconds = definition.heartbeat_timeout if isinstance(definition, Activity) else None
        self.has_arguments = bool(definition.args or definition.kwargs)
        self.asks_person = definition.metadata.get("on_exhausted") == "pause"

    def step(self, at: At) -> Step:
        return _TaskStep(at, self)

    def lock_change(self, result: Json) -> tuple[LockChange, str] | None:
        change = _LOCK_CHANGES.get(self.tool)
        name = result.get("name") if isinstance(result, dict) else None
        return (change, name) if change and isinstance(name, str) else None


class _TaskStep(Step):
    """``waiting_for`` is "slot" in the line of a limit, "tool" while an attempt runs, "retry" between attempts, "person" when they are spent and a
    person is asked, "request" while the engine does what the tool asked. ``spent`` attempts were made before a person had it tried again,
    with ``edited`` arguments.

    Of durable code a request is stored with its name and attempt: ``{"kind": "code", "method", "note", "attempt", "wait": {...}}``.
    """

    __slots__ = ("attempt", "edited", "error", "input", "notes", "operator", "request", "spent", "waiting_for")

    def __init__(self, at: At, operator: TaskOperator) -> None:
        super().__init__(at)
        self.operator = operator
        self.attempt = 1
        self.notes = Notes(at)
        self.waiting_for = "tool"
        self.request: JsonObject = {}
        self.spent = 0
        self.edited: JsonObject = {}
        self.input: Json = None
        self.error = StepError("tool", "the attempt failed, and the run ends before another", "NotRetried")

    def begin(self) -> Effect:
        return self._start()

    def resume(self, waiting: Waiting) -> Effect:
        self.waiting_for = waiting.kind if waiting.kind in {"retry", "person", "slot"} else "request"
        self.request = waiting.request or {"kind": "sleep"}
        self.attempt = cast(int, self.request.get("attempt")) or max(waiting.attempt, 1)
        self.spent, self.edited = tries.restored(waiting.request)
        if waiting.kind == "person":
            self.error = StepError.from_json(cast(JsonObject, waiting.request["error"]))
        return Asked()

    def settle(self, fact: Fact) -> Effect:
        effect = self._settle(fact)
        if isinstance(effect, Done) and not effect.committed:
            return replace(effect, undo=self._undo(effect.result))
        return effect

    def _undo(self, result: Json) -> JsonObject | None:
        undo = self.operator.undo
        return None if undo is None else undo.call(self.at.names, result)

    def _settle(self, fact: Fact) -> Effect:
        if isinstance(fact, ToolSucceeded | ToolFailed):
            for change in self.notes.let_go():
                self.at.emit(change)
        if isinstance(fact, ToolSucceeded):
            return self._done(fact)
        if isinstance(fact, ToolFailed):
            return self._failed(fact.error)
        if isinstance(fact, ToolNoted):
            return Asked(self.notes.take(fact.note, self.attempt))
        if isinstance(fact, ToolAsked):
            return self._asked(fact)
        return self._wait_over(fact)

    def give_up(self) -> Effect | None:
        if self.waiting_for == "slot":
            return GivenUp() if self.attempt == 1 else self._last_failure()
        if self.waiting_for in {"retry", "person"}:
            return self._last_failure()
        wait = cast(JsonObject, self.request.get("wait", self.request))
        only_waits = self.waiting_for == "request" and wait.get("kind") in _GIVEN_UP
        if not only_waits:
            return None  # a child run is work under way, as a tool call is
        leave(self.notes.place(str(self.request["note"])) if "note" in self.request else self.at, wait)
        return GivenUp()

    def _last_failure(self) -> Failed:
        return Failed(self.error, gate=True, input=self.input, attempt=self.attempt)

    def _start(self, *, in_line: bool = False) -> Asked:
        """The attempt's tool call, or first what its limits ask for."""
        limits = self.operator.limits
        if not limits:
            return Asked((self._call(),))
        self.waiting_for = "slot"
        return Asked((AwaitSlots(self.at.key, limits.uses(self.at.names), self.attempt, in_line),))

    def _asks_again(self, over: WaitOver) -> Asked:
        if self.operator.limits.lets_go_on(over):
            return Asked((self._call(),))
        return self._start(in_line=over.timed_out)

    def _call(self) -> CallTool:
        operator, names = self.operator, self.at.names
        args = cast(list[Json], self.edited["args"] if "args" in self.edited else operator.args.render(names))
        kwargs = cast(JsonObject, self.edited["kwargs"] if "kwargs" in self.edited else operator.kwargs.render(names))
        key = operator.idempotency_key.text(names) if operator.idempotency_key else None
        self.input = {"args": args, "kwargs": kwargs} if operator.has_arguments or self.edited else None
        self.waiting_for = "tool"
        return CallTool(
            self.at.key,
            self.at.task_id,
            operator.tool,
            args,
            kwargs,
            self.attempt,
            operator.timeout_seconds,
            self.notes.of(self.attempt),
            self._undo,
            key,
            operator.heartbeat_seconds,
            holds_slots=bool(operator.limits),
            breaker=operator.breaker,
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
        policy, tried = self.operator.retry, self.attempt - self.spent
        self.error = error
        if error.retryable and tried <= policy.max_retries:
            self.waiting_for = "retry"
            kept = tries.kept(self.spent, self.edited)
            delay = max(policy.delay_after(tried), error.retry_after_seconds or 0.0)
            return Asked((Retry(self.at.key, self.attempt, delay, error, kept),))
        if self.operator.asks_person:
            self.waiting_for = "person"
            request = tries.question(self.operator.tool, self.input, error, tries.kept(self.spent, self.edited))
            return Asked((AskPerson(self.at.key, self.attempt, error, request),))
        return Failed(error, gate=True, input=self.input, attempt=self.attempt)

    def _asked(self, fact: ToolAsked) -> Effect:
        if isinstance(fact.request, CallAgain):
            return self._code_waits(fact.request)
        asked = ask(self.at, fact.request)
        if isinstance(asked, Done | Failed | Ended):
            return asked
        self.waiting_for = "request"
        self.request, commands = asked
        return Asked(commands)

    def _wait_over(self, fact: WaitOver) -> Effect:
        if self.waiting_for == "person":
            return self._answered(cast(JsonObject, fact.payload))
        if self.waiting_for == "retry":
            self.attempt += 1
            return self._start()
        if self.waiting_for == "slot":
            return self._asks_again(fact)
        if self.request.get("kind") == "code":
            method, name = str(self.request["method"]), str(self.request["note"])
            wait = cast(JsonObject, self.request["wait"])
            return self._code_goes_on(method, name, answer(self.notes.place(name), wait, fact))
        return answer(self.at, self.request, fact)

    def _code_waits(self, asked: CallAgain) -> Effect:
        found = ask(self.notes.place(asked.name), asked.wait)
        if isinstance(found, Failed | Ended):
            return found
        if isinstance(found, Done):
            return self._code_goes_on(asked.method, asked.name, found)
        wait, commands = found
        self.waiting_for = "request"
        self.request = {
            "kind": "code",
            "method": asked.method,
            "note": asked.name,
            "attempt": self.attempt,
            "wait": wait,
            **tries.kept(self.spent, self.edited),
        }
        return Asked(tuple(self._mine(command) for command in commands))

    def _code_goes_on(self, method: str, name: str, effect: Effect) -> Effect:
        return Asked((*self.notes.answered(method, name, effect, self.attempt), *self._start().commands))

    def _mine(self, command: Command) -> Command:
        """A command of a wait of the code, asked for by this step."""
        if isinstance(command, AwaitLock):
            place: JsonObject = {"name": command.name, "ticket": command.key}  # where the database looks for them
            return replace(command, key=self.at.key, ticket=command.key, request=self.request | place)
        if isinstance(command, StartTimer | AwaitEvent | AwaitMessage | AwaitTasks):
            return replace(command, key=self.at.key, request=self.request)
        return replace(command, key=self.at.key) if isinstance(command, StartChild) else command

    def _answered(self, said: JsonObject) -> Effect:
        if not said["try_again"]:
            return Failed(self.error, gate=True, input=self.input, attempt=self.attempt)
        self.spent = self.attempt
        self.edited |= {name: said[name] for name in ("args", "kwargs") if name in said}
        self.attempt += 1
        return Asked((self._call(),))
