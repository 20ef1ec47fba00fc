"""What a tool may ask for instead of answering: the commands of each request, and what its answer is.

A request's JSON form travels with the wait, so that a later claim knows what to make of the end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

from engine.model.commands import (
    AnswerUpdate,
    AwaitApproval,
    AwaitEvent,
    AwaitLock,
    AwaitMessage,
    AwaitTasks,
    CancelTasks,
    ChangeLock,
    Command,
    SetAttributes,
    StartChild,
    StartTimer,
)
from engine.model.errors import StepError
from engine.model.facts import WaitOver
from engine.model.json import Json, JsonObject
from engine.model.requests import (
    AskApproval,
    AwaitBranches,
    CancelBranches,
    ContinueAsNew,
    HearEvent,
    MergeAttributes,
    Plain,
    ReleaseLock,
    ReplyTo,
    RunChild,
    SleepFor,
    SleepUntil,
    TakeLock,
    TakeMessage,
)
from engine.operators.kit.awaiting import awaited, collect, heard, note_awaited, note_excused, timed_out
from engine.operators.kit.base import At, Done, Effect, Ended, Failed

Answer = Done | Failed | Ended | tuple[JsonObject, tuple[Command, ...]]


def ask(at: At, request: Plain) -> Answer:
    """The stored form of the request and its commands; a request that needs no wait is answered at once."""
    return _ASKED[type(request)](at, request)


def leave(at: At, request: Mapping[str, Json]) -> None:
    """The wait is given up: whoever stands behind it in a queue must not wait for it."""
    if request.get("kind") == "lock":
        at.emit(ChangeLock(at.key, str(request["name"]), "left"))


def answer(at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    """What the end of the wait makes of the step."""
    made = _ANSWERED.get(str(request.get("kind")))
    return made(at, request, over) if made else Done(gate=True)


def _branches_over(at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    names = cast(dict[str, str], request["names"])
    return collect(at, over, names, fail_on_error=bool(request["fail_on_error"]), single=bool(request["single"]))


def _child_begun(_at: At, _request: Mapping[str, Json], over: WaitOver) -> Effect:
    run_id = over.payload.get("workflow_run_id") if isinstance(over.payload, dict) else None
    return Done({"workflow_run_id": run_id, "status": "pending", "result": None}, gate=True)


def _message_taken(_at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    return heard(f"{request['message']} '{request['name']}'", cast(float | None, request["timeout_seconds"]), over)


def _event_heard(_at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    return heard(f"event '{request['event']}'", cast(float | None, request["timeout_seconds"]), over)


def _cancel_branches(at: At, request: CancelBranches) -> Answer:
    keys = list(request.keys)
    note_excused(at, keys)
    return Done({"cancelled": cast(list[Json], keys)}, gate=True, then=(CancelTasks(at.key, keys),))


def _continue_as_new(at: At, request: ContinueAsNew) -> Answer:
    if at.info.scope:
        message = "only a run itself can continue as new, not a branch or activity of it"
        return Failed(StepError("input", message, "NotTheRun", retryable=False), gate=True)
    return Ended("completed", {}, "continued as new", request.inputs)


def _take_lock(at: At, request: TakeLock) -> Answer:
    stored: JsonObject = {"kind": "lock", "name": request.name}
    return stored, (AwaitLock(at.key, request.name, request.timeout_seconds, stored),)


def _ask_approval(at: At, request: AskApproval) -> Answer:
    stored: JsonObject = {"kind": "approval", **asdict(request)}
    return stored, (AwaitApproval(at.key, stored),)


def _decided(_at: At, _request: Mapping[str, Json], over: WaitOver) -> Effect:
    decision = cast(JsonObject, over.payload)
    if decision["status"] == "expired":
        message = "nobody has decided it in time"
        return Failed(StepError("approval_expired", message, "ApprovalExpired", retryable=False), gate=True)
    return Done(decision, gate=True)


def _lock_over(at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    name = str(request["name"])
    if over.timed_out:
        leave(at, request)
        message = f"the lock '{name}' was not free in time"
        return Failed(StepError("lock_timeout", message, "LockTimeout", retryable=False), gate=True)
    fencing = over.payload.get("fencing") if isinstance(over.payload, dict) else None
    return Done({"name": name, "fencing": fencing}, gate=True, then=(ChangeLock(at.key, name, "held"),))


def _release_lock(at: At, request: ReleaseLock) -> Answer:
    return Done({"name": request.name}, gate=True, then=(ChangeLock(at.key, request.name, "released"),))


def _merge_attributes(at: At, request: MergeAttributes) -> Answer:
    return Done(dict(request.attributes), gate=True, then=(SetAttributes(at.key, dict(request.attributes)),))


def _reply(at: At, request: ReplyTo) -> Answer:
    error = None if request.error is None else StepError("tool", request.error, "UpdateFailed", retryable=False)
    reply = AnswerUpdate(at.key, request.update_id, request.result, error)
    return Done({"update_id": request.update_id}, gate=True, then=(reply,))


def _take(at: At, request: TakeMessage) -> Answer:
    stored: JsonObject = {
        "kind": "take",
        "message": request.kind,
        "name": request.name,
        "timeout_seconds": request.timeout_seconds,
    }
    return stored, (AwaitMessage(at.key, request.kind, request.name, request.timeout_seconds, stored),)


def _hear(at: At, request: HearEvent) -> Answer:
    stored: JsonObject = {"kind": "hear", "event": request.event_name, "timeout_seconds": request.timeout_seconds}
    return stored, (AwaitEvent(at.key, request.event_name, request.timeout_seconds, stored),)


def _sleep(at: At, request: SleepFor) -> Answer:
    return {"kind": "sleep"}, (StartTimer(at.key, seconds=request.seconds),)


def _sleep_until(at: At, request: SleepUntil) -> Answer:
    return {"kind": "sleep"}, (StartTimer(at.key, until=request.until),)


def _await_branches(at: At, request: AwaitBranches) -> Answer:
    if not request.names:
        return Done({}, gate=True)
    stored: JsonObject = {
        "kind": "await_branches",
        "names": cast(JsonObject, dict(request.names)),
        "fail_on_error": request.fail_on_error,
        "single": request.single,
    }
    keys = list(dict.fromkeys(request.names.values()))
    return stored, (AwaitTasks(at.key, keys, request.needed, request.timeout_seconds, stored),)


def _run_child(at: At, request: RunChild) -> Answer:
    child_key = f"{at.qualified_key}.child"  # of durable code, the name of the wait is part of the step's key here
    start = StartChild(
        at.key,
        child_key,
        request.inputs or {},
        workflow_name=request.workflow_name,
        definition_id=request.definition_id,
        definition_hash=request.definition_hash,
        wait=request.wait,
    )
    if not request.wait:
        return {"kind": "start_child"}, (start,)
    stored: JsonObject = {"kind": "run_child"}
    return stored, (start, AwaitTasks(at.key, [child_key], None, request.timeout_seconds, stored))


def _child_over(at: At, _request: Mapping[str, Json], over: WaitOver) -> Effect:
    tasks = awaited(over.payload)
    note_awaited(at, tasks)
    if over.timed_out:
        return Failed(timed_out("the child workflow"), gate=True)
    child = next(iter(tasks.values()), {})
    if child.get("status") != "completed":
        error = child.get("error")
        detail = error.get("message") if isinstance(error, dict) else None
        message = f"the child workflow {child.get('status', 'is gone')}" + (f": {detail}" if detail else "")
        return Failed(StepError("branch", message, "ChildFailed", retryable=False), gate=True)
    shown: JsonObject = {name: child.get(name) for name in ("workflow_run_id", "status", "result")}
    return Done(shown, gate=True)


_ASKED: Mapping[type, Callable[[At, Any], Answer]] = {
    AskApproval: _ask_approval,
    AwaitBranches: _await_branches,
    CancelBranches: _cancel_branches,
    ContinueAsNew: _continue_as_new,
    HearEvent: _hear,
    MergeAttributes: _merge_attributes,
    ReleaseLock: _release_lock,
    ReplyTo: _reply,
    RunChild: _run_child,
    SleepFor: _sleep,
    SleepUntil: _sleep_until,
    TakeLock: _take_lock,
    TakeMessage: _take,
}
_ANSWERED: Mapping[str, Callable[[At, Mapping[str, Json], WaitOver], Effect]] = {
    "approval": _decided,
    "await_branches": _branches_over,
    "hear": _event_heard,
    "lock": _lock_over,
    "run_child": _child_over,
    "start_child": _child_begun,
    "take": _message_taken,
}
