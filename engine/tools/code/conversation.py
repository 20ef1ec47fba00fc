"""Our side of the talk with durable code: each ask becomes a note, or the wait that ends this call."""

from __future__ import annotations

import json
from collections.abc import Callable

from pydantic import ValidationError

from engine.durable.cancellation import Cancellation
from engine.durable.ledger import Ledger
from engine.durable.tool_context import ToolContext
from engine.model.errors import StepError, VersionConflictError
from engine.model.facts import Recorded
from engine.model.json import Json, JsonObject
from engine.model.notes import Note, child_key
from engine.model.requests import (
    AwaitBranches,
    CallAgain,
    ContinueAsNew,
    HearEvent,
    RunChild,
    SleepFor,
    SleepUntil,
    TakeLock,
    TakeMessage,
    Wait,
)
from engine.ports import Transaction
from engine.tools.code import asks
from engine.tools.errors import ToolCancelled, ToolError
from engine.tools.results import check_result

UNREADABLE = "the code asked for something that cannot be read: longer than 2 MiB, or no JSON"


_FINAL = (
    "SyntaxError",
    "NoFunction",
    "Compensated",
    "Divergence",
    "VariableConflict",
)  # the same again at the next attempt


class Conversation:
    """One call of durable code. Afterwards one of these is set: ``wait`` (call it again then, or never), ``returned``, ``failure``, or none: it died.

    ``stop`` ends the program when it has to wait for something or is not wanted any more.
    """

    def __init__(self, ctx: ToolContext, ledger: Ledger, stop: Cancellation) -> None:
        self._ctx = ctx
        self._ledger = ledger
        self._stop = stop
        self._set: JsonObject = {}  # variables that this call has set: what it was called with does not know of them
        self.wait: CallAgain | ContinueAsNew | None = None
        self.returned: asks.Return | None = None
        self.failure: BaseException | None = None

    def handle(self, line: bytes) -> JsonObject | None:
        """Answer one ask; None when there is nothing more to say."""
        try:
            request = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._end(ToolError(UNREADABLE, type="UnreadableAsk", retryable=False))
            return None
        try:
            return self._answer(asks.read_ask.validate_python(request))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "the request"
            return _refused("ValueError", f"{where}: {problem['msg']}")
        except ValueError as error:
            return _refused("ValueError", str(error))
        except ToolError as error:
            if not isinstance(error, ToolCancelled):
                return _refused(error.type, error.message)
            self._end(error)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever called the tool
            self._end(error)
        return None

    def _end(self, error: BaseException) -> None:
        self.failure = error
        self._stop.set()

    def _answer(self, ask: asks.AnyAsk) -> JsonObject | None:
        match ask:
            case asks.Return() | asks.Raise():
                return self._ended(ask)
            case asks.StartAnew():
                self._suspend(ContinueAsNew(dict(ask.inputs)))
                return None
            case asks.Log() | asks.Heartbeat():
                return self._pass_on(ask)
        wait = _wait(ask)
        if wait is not None:
            self._suspend(CallAgain(ask.ask, ask.name, wait))
            return None
        if isinstance(ask, asks.Transact):
            return {"result": self._ledger.transact(ask.name, _changes(ask))}
        return self._set_variable(ask) if isinstance(ask, asks.SetVariable) else self._note(self._noted(ask))

    def _ended(self, ask: asks.Return | asks.Raise) -> JsonObject:
        if isinstance(ask, asks.Return):
            self.returned = ask
        else:
            self.failure = _raised(ask.error)
        return {}

    def _pass_on(self, ask: asks.Log | asks.Heartbeat) -> JsonObject:
        if isinstance(ask, asks.Heartbeat):
            return {"result": self._ctx.heartbeat(ask.details)}
        self._ctx.log(ask.level, ask.message.replace("\0", "\ufffd"))
        return {}

    def _suspend(self, wait: CallAgain | ContinueAsNew) -> None:
        self.wait = wait
        self._stop.set()

    def _set_variable(self, ask: asks.SetVariable) -> JsonObject:
        check_result(ask.value)
        try:
            if ask.expected_version is None:
                told = self._note(Note("set_variable", ask.name, variables={ask.variable: ask.value}))
            else:
                version = self._ledger.set_variable(ask.name, ask.variable, ask.value, ask.expected_version)
                told = {"result": version}
        except VersionConflictError as conflict:
            error = StepError("tool", str(conflict), "VariableConflict", retryable=False)
            return self._note(Note("set_variable", ask.name, error=error))
        self._set[ask.variable] = ask.value
        return told

    def _variable(self, ask: asks.GetVariable) -> Json:
        kept = self._ctx.get_variable(ask.variable, ask.default)
        if ask.versioned:
            value, version = self._ledger.variable(ask.variable) or (kept, 0)
            return {"value": value, "version": version}
        value = self._set.get(ask.variable, kept)
        return ask.default if value is None else value

    def _note(self, note: Note) -> JsonObject:
        check_result(note.result)
        check_result(note.variables)
        for _, payload in note.events:
            check_result(payload)
        self._ledger.note(note)
        return {"result": note.result, "error": _error(note.error)}

    def _noted(self, ask: asks.AnyAsk) -> Note:
        match ask:
            case asks.GetVariable():
                return Note("get_variable", ask.name, self._variable(ask))
            case asks.Spawn():
                child = RunChild(workflow_name=ask.workflow, inputs=ask.inputs, wait=False)
                return Note("spawn", ask.name, child_key(self._ctx.qualified_step, ask.name), child=child)
            case asks.Now():
                return Note("now", ask.name, self._ledger.now().isoformat())
        return _plain_note(ask)


def _plain_note(ask: asks.AnyAsk) -> Note:
    match ask:
        case asks.StepDone():
            error = StepError("tool", ask.error.message, ask.error.type) if ask.error else None
            return Note("step", ask.name, ask.result, error)
        case asks.EmitEvent():
            return Note("emit_event", ask.name, events=((ask.event, ask.payload),))
        case asks.LetGo():
            return Note("unlock", ask.name, lets_go=(ask.taken, ask.lock))
        case asks.Reply():
            return Note("reply", ask.name, replies=((str(ask.update_id), ask.result),))
    raise TypeError(f"{ask.ask} is no note")


def told(noted: Recorded) -> JsonObject:
    """A note as the program gets it when it runs again."""
    return {"method": noted.operator.removeprefix("code."), "result": noted.result, "error": _error(noted.error)}


def _wait(ask: asks.AnyAsk) -> Wait | None:
    match ask:
        case asks.Child():
            return RunChild(workflow_name=ask.workflow, inputs=ask.inputs, timeout_seconds=ask.timeout)
        case asks.Gather():
            first = ask.ask == "first_of"
            names = {key: key for key in ask.spawned}
            return AwaitBranches(names, 1 if first else None, ask.timeout, fail_on_error=not first)
        case asks.TakeNamedLock():
            return TakeLock(ask.lock, ask.timeout)
    return _plain_wait(ask)


def _plain_wait(ask: asks.AnyAsk) -> Wait | None:
    match ask:
        case asks.Sleep():
            return SleepFor(ask.seconds)
        case asks.SleepUntilTime():
            return SleepUntil(asks.read_time(ask.until))
        case asks.WaitForEvent():
            return HearEvent(ask.event, ask.timeout)
        case asks.TakeSignal():
            return TakeMessage("signal", ask.signal, ask.timeout)
        case asks.TakeUpdate():
            return TakeMessage("update", ask.update, ask.timeout)
    return None


def _changes(ask: asks.Transact) -> Callable[[Transaction], Json]:
    def work(transaction: Transaction) -> Json:
        return [_change(transaction, each) for each in ask.changes]

    return work


def _change(transaction: Transaction, change: asks.Change) -> int:
    if change.change == "counter_add":
        return transaction.counter_add(change.name, change.value)
    return transaction.counter_reset(change.name, change.value)


def _raised(error: asks.RaisedError) -> ToolError:
    at = f" (line {error.line})" if error.line else ""
    final = error.type in _FINAL
    failure = ToolError(f"{error.message}{at}".replace("\0", "\ufffd"), type=error.type, retryable=not final)
    if error.type == "Divergence":
        failure.kind = "divergence"
    elif error.type == "Compensated":
        failure.kind = "compensated"
    return failure


def _error(error: StepError | None) -> JsonObject | None:
    return {"type": error.type, "message": error.message} if error else None


def _refused(kind: str, message: str) -> JsonObject:
    return {"error": {"type": kind, "message": message}}
