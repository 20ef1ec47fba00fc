"""The engine's front door: submit, control, read.

Every function takes an open psycopg connection (Django's too) and joins the transaction that is open on it, so that an order row and its
workflow appear or vanish together; without one it has a transaction of its own. It never commits the caller's. Every function says for which
tenant it acts and tells the database, so that row-level security holds whoever's connection it is.
"""

from engine.db.errors import BusyError, ConnectionLostError, EngineError, InvalidError, NotFoundError, StateError
from engine.facade.definitions import find_definition, list_workflows, register
from engine.facade.guards import (
    get_breaker,
    list_breakers,
    list_lock_story,
    list_locks,
    reset_breakers,
)
from engine.facade.health import health, workers
from engine.facade.idempotency import Answer, KeyReuseError, answer, claim_key
from engine.facade.language import check_definition
from engine.facade.letters import (
    count_dead_letters,
    get_dead_letter,
    list_dead_letters,
    purge_dead_letter,
    purge_dead_letters,
    requeue_dead_letter,
    write_dead_letter,
)
from engine.facade.messages import get_update, list_undo, list_updates, request_update
from engine.facade.payloads import get_payload
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
from engine.facade.retention import get_retention, set_retention
from engine.facade.search import set_attributes
from engine.facade.steps import list_steps, run_result
from engine.facade.story import list_logs, list_story
from engine.facade.submit import cancel, emit_event, retry, send_signal, submit
from engine.facade.waiting import why_waiting
from engine.language import DefinitionError, read_json, read_yaml

__all__ = [
    "Answer",
    "BusyError",
    "ConnectionLostError",
    "DefinitionError",
    "EngineError",
    "InvalidError",
    "KeyReuseError",
    "NotFoundError",
    "StateError",
    "answer",
    "cancel",
    "check_definition",
    "claim_key",
    "count_by_status",
    "count_dead_letters",
    "count_newer",
    "emit_event",
    "find_definition",
    "get_breaker",
    "get_dead_letter",
    "get_payload",
    "get_retention",
    "get_run",
    "get_update",
    "health",
    "list_breakers",
    "list_checkpoints",
    "list_dead_letters",
    "list_events",
    "list_lock_story",
    "list_locks",
    "list_logs",
    "list_related",
    "list_runs",
    "list_signals",
    "list_steps",
    "list_story",
    "list_undo",
    "list_updates",
    "list_variables",
    "list_workflows",
    "purge_dead_letter",
    "purge_dead_letters",
    "read_json",
    "read_yaml",
    "register",
    "request_update",
    "requeue_dead_letter",
    "reset_breakers",
    "retry",
    "run_result",
    "run_tag",
    "send_signal",
    "set_attributes",
    "set_retention",
    "submit",
    "why_waiting",
    "workers",
    "write_dead_letter",
]
