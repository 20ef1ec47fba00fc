"""Flow control in plain data: what a submission may ask for, and what people see of queues, limits and policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from engine.model.json import JsonObject

MAX_BATCH = 1000
MAX_STARTS = 1000  # of a rate: the last starts are kept, one by one


@dataclass(frozen=True, slots=True)
class FlowLimit:
    """A limit that the run has to pass before it starts, beside those of its definition. ``key`` is the literal key."""

    kind: Literal["concurrency", "rate", "throttle"]
    key: str
    limit: int = 1
    per_seconds: float | None = None

    def to_json(self) -> JsonObject:
        """The form in which highway.gate_of reads it."""
        return {"kind": self.kind, "key": self.key, "limit": self.limit, "per_seconds": self.per_seconds}


@dataclass(frozen=True, slots=True)
class Singleton:
    """One open run per key. A second submission gets the open run (``existing``), is refused, or waits for its end (``queue``)."""

    key: str
    policy: Literal["existing", "refuse", "queue"] = "existing"

    def to_json(self) -> JsonObject:
        """For highway.submit_flow."""
        return {"key": self.key, "policy": self.policy}


@dataclass(frozen=True, slots=True)
class Debounce:
    """The run starts when no submission with the key came for ``seconds``, with the inputs of the last, at the latest after ``max_wait_seconds``."""

    key: str
    seconds: float
    max_wait_seconds: float | None = None

    def to_json(self) -> JsonObject:
        """For highway.submit_flow."""
        return {"key": self.key, "seconds": self.seconds, "max_wait_seconds": self.max_wait_seconds}


@dataclass(frozen=True, slots=True)
class Batch:
    """Submissions with the key become one run with ``inputs.items``; it starts with ``size`` items, or ``seconds`` after the first."""

    key: str
    size: int
    seconds: float

    def to_json(self) -> JsonObject:
        """For highway.submit_flow."""
        return {"key": self.key, "size": self.size, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """How a submission meets others; at most one of singleton, debounce and batch. Runs of different partitions of a queue take turns."""

    limits: tuple[FlowLimit, ...] = ()
    partition_key: str = ""
    singleton: Singleton | None = None
    debounce: Debounce | None = None
    batch: Batch | None = None

    def to_json(self) -> JsonObject:
        """The form that highway.submit_flow takes."""
        limits = list(self.limits)
        keyed: JsonObject = {}
        if self.singleton and self.singleton.policy == "queue":
            limits.append(FlowLimit("concurrency", self.singleton.key))
        elif self.singleton:
            keyed["singleton"] = self.singleton.to_json()
        if self.debounce:
            keyed["debounce"] = self.debounce.to_json()
        if self.batch:
            keyed["batch"] = self.batch.to_json()
        stored: JsonObject = {"partition_key": self.partition_key, **keyed}
        if limits:
            stored["limits"] = [limit.to_json() for limit in limits]
        return stored


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as one tenant sees it. Pause, drain and cap are the tenant's own; ``platform_paused`` is everybody's."""

    name: str
    pending: int
    running: int
    workers: int
    paused_at: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    draining: bool = False
    max_running: int | None = None
    platform_paused: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """A run, or one of its steps, that holds a slot or stands in line for it."""

    workflow_run_id: UUID
    step_key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit of a tenant. ``held`` and ``waiting`` are counted; ``holders`` are those that hold a slot, ``line`` the first that wait."""

    kind: Literal["concurrency", "rate"]
    key: str
    capacity: int
    per_seconds: float | None
    pinned: bool
    changed_by: str
    held: int
    waiting: int
    next_start: datetime | None
    holders: list[Holder] = field(default_factory=list)
    line: list[Holder] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """What the platform says about a tenant; None caps nothing. ``exempt``: a system tenant, to which no cap applies."""

    weight: int = 1
    paused_at: datetime | None = None
    paused_by: str = ""
    pause_reason: str = ""
    max_running: int | None = None
    max_backlog: int | None = None
    runs_per_minute: int | None = None
    exempt: bool = False
