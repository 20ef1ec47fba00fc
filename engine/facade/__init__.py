"""The engine's front door: submit, control, read.

Every function takes an open psycopg connection (Django's too) and joins the transaction that is open on it, so that an order row and its
workflow appear or vanish together; without one it has a transaction of its own. It never commits the caller's. Every function says for which
tenant it acts and tells the database, so that row-level security holds whoever's connection it is.
"""

from engine.db.errors import (
    BacklogFullError,
    BusyError,
    ConnectionLostError,
    EngineError,
    InvalidError,
    NotFoundError,
    StateError,
)
from engine.facade.activities import (
    CLEANUP_BATCH,
    ActivityFilter,
    cancel_activity,
    count_activities,
    forget_heartbeats,
    get_activity,
    list_activities,
    list_activity_logs,
    list_heartbeats,
)
from engine.facade.bulk import BulkStep, bulk_count, bulk_step
from engine.facade.control import (
    Exhausted,
    StepInputError,
    change_start,
    give_up,
    kill,
    list_exhausted,
    pause,
    purge,
    resume,
    set_priority,
)
from engine.facade.definitions import find_definition, list_workflows, register
from engine.facade.fleet import forget_silent_workers, forget_worker, get_worker, limit_worker, list_fleet, order_worker
from engine.facade.fork import fork
from engine.facade.guards import (
    close_breaker,
    get_breaker,
    list_breakers,
    list_lock_story,
    list_locks,
    open_breaker,
    reset_breakers,
)
from engine.facade.health import health, workers
from engine.facade.idempotency import Answer, KeyReuseError, answer, claim_key, forget_key, forget_keys
from engine.facade.language import canonical_json, check_definition, definition_hash, dsl_prompt
from engine.facade.letters import (
    count_dead_letters,
    get_dead_letter,
    list_dead_letters,
    purge_dead_letter,
    purge_dead_letters,
    requeue_dead_letter,
    write_dead_letter,
)
from engine.facade.limits import change_limit, get_limit, list_limits
from engine.facade.messages import get_update, list_undo, list_updates, request_update
from engine.facade.payloads import get_payload
from engine.facade.policies import get_tenant_policy, set_tenant_policy
from engine.facade.queues import ALL_TENANTS, UNCHANGED, QueueChange, change_queue, get_queue, list_queues
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
    run_tags,
)
from engine.facade.restart import restart
from engine.facade.retention import get_retention, preview_retention, set_retention
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
from engine.facade.search import set_attributes
from engine.facade.settled import place_to_come_back_to, story_settled
from engine.facade.situation import Situation, run_situation
from engine.facade.statistics import list_timeline, run_statistics, story_sizes, workflow_statistics
from engine.facade.step_log import list_step_logs, list_step_story
from engine.facade.steps import list_steps, run_result
from engine.facade.story import list_logs, list_story
from engine.facade.submit import cancel, emit_event, retry, send_signal, submit
from engine.facade.submit_many import MAX_TOGETHER, submit_many
from engine.facade.tasks import count_tasks, get_task, list_active, list_tasks, oldest_pending, task_troubles
from engine.facade.waiting import why_waiting
from engine.language import DefinitionError, read_json, read_yaml
from engine.schedules.checking import ScheduleRefusedError

__all__ = [
    "ALL_TENANTS",
    "CLEANUP_BATCH",
    "MAX_TOGETHER",
    "UNCHANGED",
    "ActivityFilter",
    "Answer",
    "BacklogFullError",
    "BulkStep",
    "BusyError",
    "ConnectionLostError",
    "DefinitionError",
    "EngineError",
    "Exhausted",
    "InvalidError",
    "KeyReuseError",
    "NotFoundError",
    "QueueChange",
    "ScheduleRefusedError",
    "Situation",
    "StateError",
    "StepInputError",
    "answer",
    "backfill_schedule",
    "bulk_count",
    "bulk_step",
    "cancel",
    "cancel_activity",
    "canonical_json",
    "change_limit",
    "change_queue",
    "change_start",
    "check_definition",
    "claim_key",
    "close_breaker",
    "count_activities",
    "count_by_status",
    "count_dead_letters",
    "count_newer",
    "count_tasks",
    "count_ticks",
    "create_schedule",
    "definition_hash",
    "delete_schedule",
    "describe_timing",
    "dsl_prompt",
    "emit_event",
    "find_definition",
    "forget_heartbeats",
    "forget_key",
    "forget_keys",
    "forget_silent_workers",
    "forget_worker",
    "fork",
    "get_activity",
    "get_breaker",
    "get_dead_letter",
    "get_limit",
    "get_payload",
    "get_queue",
    "get_retention",
    "get_run",
    "get_schedule",
    "get_task",
    "get_tenant_policy",
    "get_update",
    "get_worker",
    "give_up",
    "health",
    "kill",
    "limit_worker",
    "list_active",
    "list_activities",
    "list_activity_logs",
    "list_breakers",
    "list_checkpoints",
    "list_dead_letters",
    "list_events",
    "list_exhausted",
    "list_fleet",
    "list_heartbeats",
    "list_limits",
    "list_lock_story",
    "list_locks",
    "list_logs",
    "list_queues",
    "list_related",
    "list_runs",
    "list_schedules",
    "list_signals",
    "list_step_logs",
    "list_step_story",
    "list_steps",
    "list_story",
    "list_tasks",
    "list_ticks",
    "list_timeline",
    "list_undo",
    "list_updates",
    "list_variables",
    "list_workflows",
    "oldest_pending",
    "open_breaker",
    "order_worker",
    "pause",
    "pause_schedule",
    "place_to_come_back_to",
    "preview_retention",
    "preview_schedule",
    "preview_spec",
    "purge",
    "purge_dead_letter",
    "purge_dead_letters",
    "read_json",
    "read_yaml",
    "register",
    "request_update",
    "requeue_dead_letter",
    "reset_breakers",
    "restart",
    "resume",
    "resume_schedule",
    "retry",
    "run_result",
    "run_schedule_now",
    "run_situation",
    "run_statistics",
    "run_tag",
    "run_tags",
    "send_signal",
    "set_attributes",
    "set_priority",
    "set_retention",
    "set_tenant_policy",
    "story_settled",
    "story_sizes",
    "submit",
    "submit_many",
    "summarize_schedules",
    "task_troubles",
    "update_schedule",
    "why_waiting",
    "workers",
    "workflow_statistics",
    "write_dead_letter",
]
