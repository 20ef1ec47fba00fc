"""Upkeep of the whole installation. Each service is one bounded ``step()``; a surviving loop in every worker takes turns with the others'."""

from __future__ import annotations

from engine.durable.runners import DockerPolicy
from engine.services.activities import expire_activities, time_out_attempts
from engine.services.admission import admit_children
from engine.services.approvals import expire_approvals
from engine.services.containers import LeftBehind
from engine.services.cron import check_chains, fire_due_ticks
from engine.services.deadlines import stop_expired_runs
from engine.services.doctor import look_for_stuck_tasks
from engine.services.health import measure
from engine.services.kit.sweeping import Sweep
from engine.services.locks import wake_first_in_line
from engine.services.orphans import stop_orphans
from engine.services.rescue import rescue
from engine.services.retention import old_runs, unreferenced_blobs
from engine.services.schedule import Service
from engine.services.slots import give_free_slots
from engine.services.statistics import count_what_has_grown
from engine.services.story import settle
from engine.services.tidying import expired_keys, old_heartbeats, tidied

# Read first: what runs, and how often (seconds).
SERVICES: tuple[Service, ...] = (
    Service("rescue", rescue, every_seconds=0.5),
    Service("cron", fire_due_ticks, every_seconds=0.5),
    Service("locks", wake_first_in_line, every_seconds=0.5),
    Service("story", settle, every_seconds=0.5),
    Service("statistics", count_what_has_grown, every_seconds=0.5),
    Service("admission", admit_children, every_seconds=1.0),
    Service("approvals", expire_approvals, every_seconds=1.0),
    Service("deadlines", stop_expired_runs, every_seconds=1.0),
    Service("orphans", stop_orphans, every_seconds=1.0),
    Service("attempts", time_out_attempts, every_seconds=1.0),
    Service("activities", expire_activities, every_seconds=1.0),
    Service("slots", give_free_slots, every_seconds=1.0),
    Service("health", measure, every_seconds=3.0),
    Service("doctor", look_for_stuck_tasks, every_seconds=10.0),
    Service("cron watchdog", check_chains, every_seconds=30.0),
    # These ask each second whether it is their turn; the last figure says how often it is, of all workers together.
    Service("retention", Sweep("runs_forgotten", old_runs, 60.0), every_seconds=1.0),
    Service("blobs", Sweep("blobs_collected", unreferenced_blobs, 600.0), every_seconds=1.0),
    Service("tidying", Sweep("rows_tidied", tidied, 600.0), every_seconds=1.0),
    Service("keys", Sweep("keys_forgotten", expired_keys, 60.0), every_seconds=1.0),
    Service("heartbeats", Sweep("heartbeats_forgotten", old_heartbeats, 60.0), every_seconds=1.0),
)


def container_services(policy: DockerPolicy) -> tuple[Service, ...]:
    """What a worker that offers containers does besides, in turns of its own: an engine that hangs must not keep the others from theirs."""
    return (Service("containers", LeftBehind(policy).step, every_seconds=2.0),) if policy.url else ()
