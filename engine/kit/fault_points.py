"""Where the engine may be hurt on purpose: named places at which a test kills the process, stops it, or raises an error.

`reach` costs one comparison while nothing is armed, and only a program that calls `arm` can arm anything: the engine reads no setting and no
variable of the environment for it. The crash tests prove that each of these places is reached (tests/crash/test_slice_points.py).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class FaultPoint(StrEnum):
    """The places, by the duty that they lie in. What lies inside one round trip is reached by the proxy of the crash tests instead."""

    SUBMIT_BEFORE_INSERT = "submit.before_insert"
    SUBMIT_AFTER_INSERT = "submit.after_insert"  # durable by now where nothing else was to be committed with it: see tenancy.tenant_statement
    SUBMIT_BEFORE_REPLY = "submit.before_reply"  # after the commit, where the front door had a transaction of its own

    CLAIM_BEFORE = "claim.before"
    CLAIM_AFTER_COMMIT = "claim.after_commit"
    LOAD_CHECKPOINTS = "load.checkpoints"

    STEP_BEFORE_BODY = "step.before_body"
    STEP_IN_BODY = "step.in_body"  # inside a transactional step, after its own work
    STEP_AFTER_RESULT = "step.after_result"
    STEP_BEFORE_CHECKPOINT = "step.before_checkpoint"
    STEP_BEFORE_COMMIT = "step.before_commit"  # the checkpoint is written, nothing is committed
    STEP_AFTER_COMMIT = "step.after_commit"

    CALL_BEFORE = "call.before"
    CALL_SENT = "call.sent"
    CALL_ANSWERED = "call.answered"

    FORK_CHILD = "fork.child"  # reached once for each branch, activity and child run
    FORK_AFTER_COMMIT = "fork.after_commit"
    JOIN_ARRIVAL = "join.arrival"  # a task that somebody may wait for is about to end
    JOIN_LAST = "join.last"  # a wait for tasks was seen to be over

    EMIT_BEFORE = "emit.before"
    EMIT_AFTER = "emit.after"
    EMIT_BEFORE_REPLY = "emit.before_reply"
    EMIT_AFTER_COMMIT = (
        "emit.after_commit"  # of a step; the notification leaves with the commit, and may be lost as such
    )
    EVENT_HEARD = "event.heard"  # a wait for an event was seen to be over

    SIGNAL_BEFORE = "signal.before"
    SIGNAL_AFTER = "signal.after"
    SIGNAL_BEFORE_REPLY = "signal.before_reply"
    UPDATE_BEFORE = "update.before"
    UPDATE_AFTER = "update.after"
    UPDATE_BEFORE_REPLY = "update.before_reply"
    UPDATE_ANSWERED = "update.answered"  # the answer is known, and nothing of it is written
    MESSAGE_HEARD = "message.heard"  # a signal or an update is the run's by now, and its step is not over

    APPROVAL_BEFORE = "approval.before"
    APPROVAL_AFTER = "approval.after"  # after lock, vote, decision and wake-up; nothing is committed
    APPROVAL_BEFORE_REPLY = "approval.before_reply"
    APPROVAL_EXPIRE = "approval.expire"  # its time has passed, and nobody has ended it
    APPROVAL_HEARD = "approval.heard"  # the decision was seen, and its step is not over

    WAIT_ASKED = "wait.asked"
    WAIT_AFTER_COMMIT = "wait.after_commit"
    TIMER_INSERT = "timer.insert"
    TIMER_SCAN = "timer.scan"
    TIMER_FIRE = "timer.fire"
    RETRY_PLANNED = "retry.planned"

    ACTIVITY_CLAIMED = "activity.claimed"
    ACTIVITY_BEAT = "activity.beat"  # there are heartbeats of activities to write
    ACTIVITY_BEAT_AFTER = "activity.beat_after"
    ACTIVITY_FINISH = "activity.finish"  # it has ended, and nobody knows

    UNDO_DECIDED = "undo.decided"  # a run is about to end badly: what it has registered is to be undone
    UNDO_CALL = "undo.call"  # reached before each compensation
    UNDO_RECORD = "undo.record"  # one was made outside of the database; its checkpoint is not written
    UNDO_END = "undo.end"  # all are made, and the run has not ended

    HEARTBEAT_BEFORE = "heartbeat.before"
    HEARTBEAT_AFTER = "heartbeat.after"
    REAPER_SELECT = "reaper.select"
    REAPER_UPDATE = "reaper.update"  # the dead are buried, their tasks are still theirs
    REAPER_AFTER = "reaper.after"
    CANCEL_BEFORE = "cancel.before"
    CANCEL_AFTER = "cancel.after"
    CANCEL_BEFORE_REPLY = "cancel.before_reply"
    CANCEL_HEARD = "cancel.heard"  # the worker knows of it and has not stopped yet

    CRON_COMPUTE = "cron.compute"  # a schedule is held, its due ticks are not computed
    CRON_INSERT_RUN = "cron.insert_run"  # a tick and its run are written, the chain stands where it stood
    CRON_INSERT_NEXT = "cron.insert_next"  # the next tick is written, nothing is committed
    CRON_AFTER_COMMIT = "cron.after_commit"

    RECOVERY_LOOP = "recovery.loop"  # between two services
    INCARNATION_BEGIN = "incarnation.begin"
    DRAIN_BEGIN = "drain.begin"
    DRAIN_HAND_BACK = "drain.hand_back"
    SHUTDOWN_END = "shutdown.end"
    MIGRATION_STEP = "migration.step"  # a migration ran and is not noted yet


Handler = Callable[[FaultPoint], None]
_handler: Handler | None = None


def arm(handler: Handler | None) -> None:
    """Call ``handler`` at every place from now on, in this process; None disarms."""
    global _handler  # noqa: PLW0603 - a process is hurt as a whole
    _handler = handler


def reach(point: FaultPoint) -> None:
    """Say that execution stands at this place."""
    if _handler is not None:
        _handler(point)
