"""What a step makes of tasks it has waited for: branches, activities and child runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from engine.model.commands import Record
from engine.model.errors import StepError
from engine.model.facts import WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import At, Done, Effect, Failed

FINAL = frozenset({"completed", "failed", "cancelled", "compensated"})
UNSUCCESSFUL = FINAL - {"completed"}
EXCUSED_SUFFIX = "@excused"


def awaited(payload: Json) -> dict[str, JsonObject]:
    """The payload of a `WaitOver` for tasks, by task key."""
    return cast(dict[str, JsonObject], payload) if isinstance(payload, dict) else {}


def unsuccessful(tasks: Mapping[str, JsonObject]) -> list[str]:
    """Keys of the tasks that ended without success."""
    return [key for key, task in tasks.items() if task.get("status") in UNSUCCESSFUL]


def note_excused(at: At, keys: Iterable[str]) -> None:
    """Store that this step answers for tasks that ended without success, so that they do not fail the run a second time at its end."""
    tasks: list[Json] = list(keys)
    if tasks:
        at.emit(Record(at.key + EXCUSED_SUFFIX, "await", "succeeded", {"tasks": tasks}))


def note_awaited(at: At, tasks: Mapping[str, JsonObject]) -> None:
    """Take notice of what became of awaited tasks; something is stored only when one of them ended without success."""
    at.note_ended(key for key, task in tasks.items() if task.get("status") in FINAL)
    note_excused(at, unsuccessful(tasks))


def timed_out(what: str) -> StepError:
    """The error of a wait whose own limit passed; waiting again is not what its author asked for."""
    return StepError("timeout", f"{what} did not end in time", "AwaitTimeout", retryable=False)


def heard(what: str, timeout_seconds: float | None, over: WaitOver) -> Done | Failed:
    """The end of a wait for an event or a message: its payload, or a failure of its own kind."""
    if not over.timed_out:
        return Done(over.payload, gate=True)
    message = f"{what} did not come within {timeout_seconds or 0:g} s"
    return Failed(StepError("event_timeout", message, "EventTimeout", retryable=False), gate=True)


def collect(at: At, over: WaitOver, names: Mapping[str, str], *, fail_on_error: bool, single: bool = False) -> Effect:
    """The end of a wait for tasks: ``{name: {status, result, error}}``, or the failure of those that failed."""
    tasks = awaited(over.payload)
    note_awaited(at, tasks)
    if over.timed_out:
        late = [name for name, key in names.items() if tasks.get(key, {}).get("status") not in FINAL]
        return Failed(timed_out(", ".join(late) or "the wait"), gate=True)
    shown = {name: _shown(tasks.get(key, {})) for name, key in names.items()}
    bad = [name for name, entry in shown.items() if entry["status"] in UNSUCCESSFUL]
    if bad and fail_on_error:
        return Failed(_branch_error(bad, shown), gate=True)
    result: Json = cast(Json, shown)
    if single and len(shown) == 1:
        result = next(iter(shown.values()))
    return Done(result, gate=True)


def _shown(task: JsonObject) -> JsonObject:
    status = task.get("status")
    return {
        "status": status if status in FINAL else "running",
        "result": task.get("result"),
        "error": task.get("error"),
    }


def _branch_error(bad: list[str], shown: Mapping[str, JsonObject]) -> StepError:
    first = shown[bad[0]]
    error = first["error"]
    detail = error.get("message") if isinstance(error, dict) else error
    because = f": {detail}" if detail else ""
    others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return StepError("branch", f"{bad[0]} {first['status']}{because}{others}", "BranchFailed", retryable=False)
