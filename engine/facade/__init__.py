"""The engine's front door: submit, control, read.

Every function takes an open psycopg connection (Django's too) and joins the transaction that is open on it, so that an order row and its
workflow appear or vanish together; without one it has a transaction of its own. It never commits the caller's. Every function says for which
tenant it acts and tells the database, so that row-level security holds whoever's connection it is.
"""

from engine.db.errors import BusyError, ConnectionLostError, EngineError, InvalidError, NotFoundError, StateError
from engine.facade.definitions import find_definition, list_workflows, register
from engine.facade.health import health, workers
from engine.facade.idempotency import Answer, KeyReuseError, answer, claim_key
from engine.facade.language import check_definition
from engine.facade.messages import get_update, list_undo, list_updates, request_update
from engine.facade.reads import (
    count_by_status,
    count_newer,
    get_run,
    list_checkpoints,
    list_events,
    list_related,
    list_runs,
    list_signals,
    list_variables,
    run_tag,
)
from engine.facade.schedule_runs import (
    backfill_schedule,
    count_ticks,
    describe_timing,
    list_ticks,
    preview_schedule,
    preview_spec,
    run_schedule_now,
)
from engine.facade.schedules import (
    create_schedule,
    delete_schedule,
    get_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
    summarize_schedules,
    update_schedule,
)
from engine.facade.steps import list_steps, run_result
from engine.facade.story import list_logs, list_story
from engine.facade.submit import cancel, emit_event, retry, send_signal, submit
from engine.facade.waiting import why_waiting
from engine.language import DefinitionError, read_json, read_yaml
from engine.schedules.checking import ScheduleRefusedError

__all__ = [
    "Answer",
    "BusyError",
    "ConnectionLostError",
    "DefinitionError",
    "EngineError",
    "InvalidError",
    "KeyReuseError",
    "NotFoundError",
    "ScheduleRefusedError",
    "StateError",
    "answer",
    "backfill_schedule",
    "cancel",
    "check_definition",
    "claim_key",
    "count_by_status",
    "count_newer",
    "count_ticks",
    "create_schedule",
    "delete_schedule",
    "describe_timing",
    "emit_event",
    "find_definition",
    "get_run",
    "get_schedule",
    "get_update",
    "health",
    "list_checkpoints",
    "list_events",
    "list_logs",
    "list_related",
    "list_runs",
    "list_schedules",
    "list_signals",
    "list_steps",
    "list_story",
    "list_ticks",
    "list_undo",
    "list_updates",
    "list_variables",
    "list_workflows",
    "pause_schedule",
    "preview_schedule",
    "preview_spec",
    "read_json",
    "read_yaml",
    "register",
    "request_update",
    "resume_schedule",
    "retry",
    "run_result",
    "run_schedule_now",
    "run_tag",
    "send_signal",
    "submit",
    "summarize_schedules",
    "update_schedule",
    "why_waiting",
    "workers",
]
