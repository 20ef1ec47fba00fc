"""Activities as data: how one is queued, what its attempts report, and what the next attempt learns of those before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID

from engine.model.errors import StepError
from engine.model.json import Json, JsonObject

HEARTBEATS_KEPT = 100  # of each activity; the ring in sql/queries/activity.sql has as many slots
MAX_DETAILS_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """What an activity is queued with; times in seconds. ``queue`` None is its run's own.

    ``schedule_to_start`` bounds the wait for a first attempt, ``start_to_close`` each attempt, ``heartbeat`` the silence of an attempt,
    ``schedule_to_close`` everything, retries included.
    """

    function: str
    queue: str | None = None
    max_attempts: int = 1
    schedule_to_start: float | None = None
    start_to_close: float | None = None
    heartbeat: float | None = None
    schedule_to_close: float | None = None

    def to_json(self) -> JsonObject:
        """The form that `fork` of commit.sql reads."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Beat:
    """A report on the attempt under way. Times are seconds before now: they count on this machine, the database turns them into its own time.

    ``silent_seconds`` since the last sign of life, None when there is no new one; ``own``: the sign came from the activity's own code.
    ``details`` is JSON text, None when it said nothing.
    """

    attempt: int
    running_seconds: float
    silent_seconds: float | None = None
    own: bool = False
    details: str | None = None


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that was ended from outside, because it had broken a limit and its worker did not notice."""

    attempt: int
    seconds: float
    error: StepError

    @classmethod
    def from_json(cls, value: JsonObject) -> FailedAttempt:
        """Read what `time_out` of activity.sql wrote."""
        error = value["error"]
        assert isinstance(error, dict)  # noqa: S101 - written by our own SQL
        return cls(int(str(value["attempt"])), float(str(value["seconds"])), StepError.from_json(error))


@dataclass(frozen=True, slots=True)
class ActivityPast:
    """What a claim of an activity learns of the attempts before: their last heartbeat details, and one that it has to count as failed."""

    details: Json = None
    failed: FailedAttempt | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """What the database answered to a report: it was stored, or passed by; or the claim is lost."""

    task_id: UUID
    epoch: int
    written: bool
    lost: bool
