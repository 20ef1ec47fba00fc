"""Fork: a new run with the history of another up to a step, from where it goes its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import InvalidError
from engine.db.queries import load
from engine.facade.history import History, load_history
from engine.facade.reads import get_run
from engine.facade.tenancy import tenant_transaction
from engine.interpreter.cutting import kept_before
from engine.interpreter.forgetting import excused
from engine.interpreter.losing import lost_locks
from engine.interpreter.restore import forked_keys
from engine.kit.json_text import dumps_or_none
from engine.model.json import JsonObject
from engine.model.views import Submitted

_sql, _flow = load("control"), load("flow")
_ENDED = frozenset({"completed", "failed", "cancelled", "compensated"})


def fork(
    connection: Connection,
    *,
    tenant_id: UUID,
    workflow_run_id: UUID,
    from_step: str,
    inputs: JsonObject | None = None,
    by: str = "",
) -> Submitted:
    """Start a run that has done what this one, open or ended, had done besides ``from_step`` and all that comes after it.

    ``from_step`` is a key of the run's own steps, in a loop with its rounds (``loop[1]/step``). Branches that belong to what is kept are kept as far
    as they came. Variables are as the kept steps left them; locks are taken anew. Raises `InvalidError` with the nearest names for an unknown step,
    `StateError` for one behind something that the run has undone, and as `submit` does when the queue takes no new runs.
    """
    with tenant_transaction(connection, tenant_id):
        run = get_run(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        # Before any row is held: submissions of a tenant with caps take turns.
        _flow.check_admission.run(connection, tenant_id=tenant_id, queue=run.queue)
        _sql.hold.one(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        tasks = _sql.tasks.many(connection, tenant_id=tenant_id, workflow_run_id=workflow_run_id)
        history = load_history(connection, tenant_id=tenant_id, tasks=tasks)
        copied = _copied(history, from_step)
        row = _sql.fork.one(
            connection,
            tenant_id=tenant_id,
            source=workflow_run_id,
            step=from_step,
            inputs=dumps_or_none(inputs),
            by=by,
            scopes=[scope for scope, _ in copied.steps],
            keys=[key for _, key in copied.steps],
            task_keys=list(copied.tasks),
            ended=list(copied.tasks.values()),
            before=_began_at(history, from_step),
        )
        assert row is not None  # noqa: S101 - the function always answers
        run = get_run(connection, tenant_id=tenant_id, workflow_run_id=row["workflow_run_id"])
    return Submitted(run.workflow_run_id, run.definition_id, run.definition_hash, run.name, run.version, run.status)


@dataclass(slots=True)
class _Copied:
    """Checkpoints by (scope, key), and the keys of forked tasks with whether each is copied as ended."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    tasks: dict[str, bool] = field(default_factory=dict)


def _copied(history: History, from_step: str) -> _Copied:
    root, copied = history.root, _Copied()
    gone = history.forgotten(root)
    keys = [step.key for step in history.steps.get("", []) if step.key not in gone]
    try:
        kept = set(kept_before(history.program.graph, keys, from_step))
    except LookupError as error:
        raise InvalidError(str(error.args[0])) from error
    _copy(history, root, kept, copied)
    return copied


def _copy(history: History, task: Row, kept: set[str], copied: _Copied) -> None:
    """Take over what is kept of a task, and the tasks that those steps forked."""
    scope, graph = task["key"], history.program_of(task).graph
    over = copied.tasks.get(scope, False)
    steps = [step for step in history.steps.get(scope, []) if step.key in kept]
    if not over:  # the other run's locks are not its own
        lost = lost_locks(graph, steps)
        steps = [step for step in steps if step.key not in lost]
    copied.steps += [(scope, step.key) for step in steps]
    forked = set(forked_keys(graph, steps))
    answered_for = excused(steps)
    for other in history.tasks:
        key = other["key"]
        if key not in forked:
            continue
        ended = other["state"] in _ENDED and (over or other["state"] == "completed" or key in answered_for)
        copied.tasks[key] = ended
        gone = set() if ended else history.forgotten(other)
        _copy(history, other, {step.key for step in history.steps.get(key, [])} - gone, copied)


def _began_at(history: History, step: str) -> datetime | None:
    """When the step began, if it is over; what came later it had not seen."""
    found = [row["started_at"] for row in history.rows if row["scope"] == "" and row["step_key"] == step]
    return found[0] if found else None
