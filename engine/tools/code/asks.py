"""What durable code asks for over its line, read strictly: the program is untrusted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

MAX_SECONDS = 366 * 86_400

Name = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f@]+$")]
EventName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
LockName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f@]+$")]
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]


class Ask(BaseModel):
    """Anything that is asked. Most have a name, which is their identity inside the step."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FailedStep(BaseModel):
    """How a step of the code failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: str
    message: str


class StepDone(Ask):
    ask: Literal["step"]
    name: Name
    result: JsonValue = None
    error: FailedStep | None = None


class Sleep(Ask):
    ask: Literal["sleep"]
    name: Name
    seconds: Seconds


class SleepUntilTime(Ask):
    ask: Literal["sleep_until"]
    name: Name
    until: str


class WaitForEvent(Ask):
    ask: Literal["wait_for_event"]
    name: Name
    event: EventName
    timeout: Seconds | None = None


class TakeSignal(Ask):
    ask: Literal["signal"]
    name: Name
    signal: EventName
    timeout: Seconds | None = None


class TakeUpdate(Ask):
    ask: Literal["update"]
    name: Name
    update: EventName
    timeout: Seconds | None = None


class Reply(Ask):
    ask: Literal["reply"]
    name: Name
    update_id: UUID
    result: JsonValue = None


class EmitEvent(Ask):
    ask: Literal["emit_event"]
    name: Name
    event: EventName
    payload: JsonValue = None


class GetVariable(Ask):
    ask: Literal["get_variable"]
    name: Name
    variable: Name
    default: JsonValue = None
    versioned: bool = False


class SetVariable(Ask):
    ask: Literal["set_variable"]
    name: Name
    variable: Name
    value: JsonValue
    expected_version: Annotated[int, Field(ge=0, le=2**31 - 2)] | None = None


class TakeNamedLock(Ask):
    ask: Literal["lock"]
    name: Name
    lock: LockName
    timeout: Seconds | None = None


class LetGo(Ask):
    """``taken`` is the name under which the lock was taken."""

    ask: Literal["unlock"]
    name: Name
    lock: LockName
    taken: Name


class Heartbeat(Ask):
    ask: Literal["heartbeat"]
    details: JsonValue = None


class StartAnew(Ask):
    ask: Literal["continue_as_new"]
    inputs: dict[str, JsonValue]


class Now(Ask):
    ask: Literal["now"]
    name: Name


class Child(Ask):
    ask: Literal["child"]
    name: Name
    workflow: Name
    inputs: dict[str, JsonValue]
    timeout: Seconds | None = None


class Spawn(Ask):
    ask: Literal["spawn"]
    name: Name
    workflow: Name
    inputs: dict[str, JsonValue]


class Gather(Ask):
    ask: Literal["gather", "first_of"]
    name: Name
    spawned: Annotated[list[str], Field(min_length=1, max_length=1_000)]
    timeout: Seconds | None = None


class Change(BaseModel):
    """One change of a transaction."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    change: Literal["counter_add", "counter_reset"]
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    value: Annotated[int, Field(ge=-(2**62), le=2**62)]


class Transact(Ask):
    ask: Literal["transaction"]
    name: Name
    changes: Annotated[list[Change], Field(max_length=1_000)]


class Log(Ask):
    ask: Literal["log"]
    message: str
    level: Literal["debug", "info", "warning", "error"] = "info"


class Return(Ask):
    ask: Literal["return"]
    result: JsonValue = None


class RaisedError(BaseModel):
    """What the code raised and did not catch, and on which of its lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: str
    message: str
    line: int | None = None


class Raise(Ask):
    ask: Literal["raise"]
    error: RaisedError


AnyAsk = Annotated[
    StepDone | Sleep | SleepUntilTime | WaitForEvent | TakeSignal | TakeUpdate | Reply | EmitEvent | GetVariable | SetVariable | Now
    | Child | Spawn | Gather | Transact | TakeNamedLock | LetGo | Heartbeat | StartAnew | Log | Return | Raise,
    Field(discriminator="ask"),
]  # fmt: skip
read_ask: TypeAdapter[AnyAsk] = TypeAdapter(AnyAsk)


def read_time(text: str) -> str:
    """A time with a zone, in ISO 8601. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at.isoformat()
