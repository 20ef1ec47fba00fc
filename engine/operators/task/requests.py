"""What a tool may ask for instead of answering: the commands of each request, and what its answer is.

A request's JSON form travels with the wait, so that a later claim knows what to make of the end of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from engine.model.commands import AwaitEvent, AwaitTasks, CancelTasks, Command, StartChild, StartTimer
from engine.model.errors import StepError
from engine.model.facts import WaitOver
from engine.model.json import Json, JsonObject
from engine.model.requests import AwaitBranches, CancelBranches, HearEvent, RunChild, SleepFor, SleepUntil, Wait
from engine.operators.kit.awaiting import awaited, collect, heard, note_awaited, note_excused, timed_out
from engine.operators.kit.base import At, Done, Effect, Failed


def ask(at: At, request: Wait | CancelBranches) -> Done | tuple[JsonObject, tuple[Command, ...]]:
    """The stored form of the request and its commands; a request that needs no wait is done."""
    if isinstance(request, AwaitBranches):
        return _await_branches(at, request)
    if isinstance(request, CancelBranches):
        keys = list(request.keys)
        note_excused(at, keys)
        return Done({"cancelled": cast(list[Json], keys)}, gate=True, then=(CancelTasks(at.key, keys),))
    if isinstance(request, RunChild):
        return _run_child(at, request)
    if isinstance(request, HearEvent):
        stored: JsonObject = {"kind": "hear", "event": request.event_name, "timeout_seconds": request.timeout_seconds}
        return stored, (AwaitEvent(at.key, request.event_name, request.timeout_seconds, stored),)
    return {"kind": "sleep"}, (_sleep(at, request),)


def answer(at: At, request: Mapping[str, Json], over: WaitOver) -> Effect:
    """What the end of the wait makes of the step."""
    kind = request.get("kind")
    if kind == "await_branches":
        names = cast(dict[str, str], request["names"])
        return collect(at, over, names, fail_on_error=bool(request["fail_on_error"]), single=bool(request["single"]))
    if kind == "run_child":
        return _child_over(at, over)
    if kind == "start_child":
        run_id = over.payload.get("workflow_run_id") if isinstance(over.payload, dict) else None
        return Done({"workflow_run_id": run_id, "status": "pending", "result": None}, gate=True)
    if kind == "hear":
        return heard(str(request["event"]), cast(float | None, request["timeout_seconds"]), over)
    return Done(gate=True)


def _sleep(at: At, request: SleepFor | SleepUntil) -> StartTimer:
    if isinstance(request, SleepUntil):
        return StartTimer(at.key, until=request.until)
    return StartTimer(at.key, seconds=request.seconds)


def _await_branches(at: At, request: AwaitBranches) -> Done | tuple[JsonObject, tuple[Command, ...]]:
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


def _run_child(at: At, request: RunChild) -> tuple[JsonObject, tuple[Command, ...]]:
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


def _child_over(at: At, over: WaitOver) -> Effect:
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
