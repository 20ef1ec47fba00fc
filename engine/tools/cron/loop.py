"""Each tick is a wait of its own and what it does a note of its own: nothing runs between two ticks, and none is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, JsonValue, StringConstraints, field_validator, model_validator

from engine.durable.ledger import Ledger
from engine.durable.tool_context import ToolContext
from engine.language.timing import Timing, TimingError, ZoneError, read_timing, read_zone, ticks_after
from engine.model.json import Json, JsonObject
from engine.model.notes import Note
from engine.model.requests import CallAgain, Request, RunChild, SleepUntil
from engine.tools.spec import ToolInput

MAX_TICKS = 1_000  # what is noted of them is read again at each tick; for more there are schedules, and continue_as_new

Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]


class CronInput(ToolInput):
    """When it comes: a cron expression (or ``@daily``, ``@every 90s``) in an IANA zone, at most ``max_ticks`` times, and not after ``until``.

    What a tick does: start ``workflow_name`` with ``inputs`` (and ``tick``, ``scheduled_at``) and wait for its end, emit the event ``event_name:<tick>``
    of this run, or both, or neither. ``catchup``: ticks that were missed, because the run was paused or nothing was alive, come one after the other
    afterwards; without it they are passed over.
    """

    cron: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    timezone: str = "UTC"
    max_ticks: Annotated[int, Field(ge=1, le=MAX_TICKS)] | None = None
    until: AwareDatetime | None = None
    workflow_name: Name | None = None
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    event_name: Name | None = None
    catchup: bool = False

    @field_validator("cron")
    @classmethod
    def _comes(cls, text: str) -> str:
        try:
            read_timing(text)
        except TimingError as error:
            raise ValueError(str(error)) from None
        return text

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            read_zone(name)
        except ZoneError as error:
            raise ValueError(str(error)) from None
        return name

    @model_validator(mode="after")
    def _ends(self) -> CronInput:
        if self.max_ticks is None and self.until is None:
            raise ValueError("give max_ticks or until: a loop has an end")
        return self


class CronOutput(BaseModel):
    """What became of it: ticks that came, those whose workflow failed, when the first and the last were due, and whether it ended at its bound of ticks."""

    ticks: int
    failed: int
    first: str | None
    last: str | None
    is_full: bool


@dataclass(slots=True)
class _State:
    """Where the loop stands. ``after`` is what the next tick comes after."""

    began: datetime
    after: datetime
    ticks: int = 0
    failed: int = 0
    first: str | None = None
    last: str | None = None


def durable_cron(ctx: ToolContext, given: CronInput) -> Json | Request:
    """Do something at each tick of a cron expression, durably: between two ticks no slot, process or connection is held, and after the death of a
    worker the loop goes on where it was. Returns ``{"ticks", "failed", "first", "last", "is_full"}``. At most 1,000 ticks.
    """
    ledger = ctx.ledger
    if ledger is None:
        raise RuntimeError(f"step {ctx.step_key}: a durable tool was called without a ledger")
    began = _time(ledger, "began")
    state = _State(began, began)
    most = min(given.max_ticks or MAX_TICKS, MAX_TICKS)
    while state.ticks < most:
        due = next_tick(read_timing(given.cron), given, state)
        if due is None:
            return _summary(state, is_full=False)
        wait = _tick(ledger, given, state, due)
        if wait is not None:
            return wait
    return _summary(state, is_full=True)


def next_tick(timing: Timing, given: CronInput, state: _State) -> datetime | None:
    """The moment of the next tick; None when there is none any more."""
    due = next(ticks_after(timing, read_zone(given.timezone), state.after, anchor=state.began), None)
    return None if due is None or (given.until is not None and due > given.until) else due


def _tick(ledger: Ledger, given: CronInput, state: _State, due: datetime) -> CallAgain | None:
    """Do what is left to do of one tick; what has to be waited for, or None when the tick is over."""
    number, at = state.ticks + 1, due.isoformat()
    if f"tick {number}" not in ledger.noted:
        return CallAgain("sleep_until", f"tick {number}", SleepUntil(at))
    came = _time(ledger, f"came {number}")
    if given.event_name is not None and f"told {number}" not in ledger.noted:
        payload: JsonObject = {"tick": number, "scheduled_at": at}
        ledger.note(Note("emit_event", f"told {number}", events=((f"{given.event_name}:{number}", payload),)))
    if given.workflow_name is not None:
        ran = ledger.noted.get(f"run {number}")
        if ran is None:
            inputs: JsonObject = {**given.inputs, "tick": number, "scheduled_at": at}
            return CallAgain("child", f"run {number}", RunChild(workflow_name=given.workflow_name, inputs=inputs))
        state.failed += ran.error is not None
    state.ticks, state.first, state.last = number, state.first or at, at
    state.after = due if given.catchup else max(due, came)
    return None


def _time(ledger: Ledger, name: str) -> datetime:
    """The database's time when this was first asked."""
    noted = ledger.noted.get(name)
    if noted is not None:
        return datetime.fromisoformat(str(noted.result))
    now = ledger.now()
    ledger.note(Note("now", name, now.isoformat()))
    return now


def _summary(state: _State, *, is_full: bool) -> JsonObject:
    return {
        "ticks": state.ticks,
        "failed": state.failed,
        "first": state.first,
        "last": state.last,
        "is_full": is_full,
    }
