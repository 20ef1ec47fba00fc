"""From the writes of many tasks to the statements of one group commit: one statement a kind of write, columns as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from engine.db.arrays import array
from engine.db.queries import Query, load
from engine.kit.json_text import dumps, dumps_or_none
from engine.model.children import MAX_GENERATIONS
from engine.queue import guards
from engine.queue.heartbeats import BEAT_COLUMNS, beat_columns, beat_query
from engine.queue.payloads import Payloads
from engine.queue.writes import Finished, HandedBack, Suspended, TaskWrites

_sql = load("commit")


class Statement(NamedTuple):
    """A query and its parameters."""

    query: Query
    parameters: dict[str, Any]


def lock_statement(batch: Sequence[TaskWrites]) -> Statement:
    """Every lock of the commit, taken first and in order: see the lock order in sql/migrations/0001."""
    wanted = {(writes.task.tenant_id, writes.task.task_id) for writes in batch}
    for writes in batch:
        if isinstance(writes.exit, Finished) and writes.task.parent_task_id:
            wanted.add((writes.task.tenant_id, writes.task.parent_task_id))
        if writes.attributes:
            wanted.add((writes.task.tenant_id, writes.task.workflow_run_id))  # the run's own task, before its run
    runs = {(writes.task.tenant_id, writes.task.workflow_run_id) for writes in batch if _touches_siblings(writes)}
    tasks = _columns(list(wanted), "tenant_ids", "task_ids")  # the statement puts them in order
    if not runs:
        return Statement(_sql.lock, tasks)
    pausing = any(writes.pause_for for writes in batch)
    return Statement(
        _sql.lock_with_families if pausing else _sql.lock_with_runs,
        tasks | _columns(sorted(runs), "run_tenant_ids", "run_ids"),
    )


def statements(batch: Sequence[TaskWrites], worker_id: UUID, payloads: Payloads) -> list[Statement]:
    """The statements after the locks and the children, in the order in which they must run; kinds that nobody writes are left out."""
    made = [
        _statement(beat_query, _beats(batch), BEAT_COLUMNS, worker_id=worker_id),  # while the claim holds
        _statement(_sql.progress, ((writes, ()) for writes in batch if writes.task.rescues and writes.records), ()),
        _statement(_sql.record, _records(batch, payloads), _RECORD, worker_id=worker_id),
        _statement(_sql.set_variables, _variables(batch, payloads), _VARIABLE),
        _statement(_sql.set_attributes, guards.attributes(batch), guards.ATTRIBUTES),
        _statement(_sql.write_journal, _journal(batch), _JOURNAL),
        _statement(_sql.fork, _forks(batch, payloads), _FORK),
        _statement(_sql.register_undo, _undos(batch), _UNDO),
        _statement(_sql.emit, _emits(batch, payloads), _EMIT),
        _statement(_sql.answer_updates, _answers(batch), _ANSWER),
        _statement(_sql.free_slots, ((writes, (key,)) for writes in batch for key in writes.freed), ("keys",)),
        _statement(_sql.lapse_waits, ((writes, (key,)) for writes in batch for key in writes.lapsed), ("keys",)),
        _statement(_sql.end_waits, ((writes, (key,)) for writes in batch for key in writes.ended_waits), ("keys",)),
        _statement(_sql.set_waits, _waits(batch), _WAIT),
        _statement(_sql.ask_people, _questions(batch), ("keys",)),
        _hand_out(batch),
        _statement(_sql.close_waits, ((writes, (key,)) for writes in batch for key in writes.closing), ("keys",)),
        _statement(_sql.count_calls, guards.calls(batch), guards.CALL),
        _statement(_sql.change_locks, guards.lock_changes(batch), guards.LOCK_CHANGE),
        _statement(_sql.queue_for_locks, guards.lock_requests(batch), guards.LOCK_REQUEST),
        *(_cancel(writes, command.task_keys) for writes in batch for command in writes.cancels),
        *(_pause(writes) for writes in batch if writes.pause_for),
        *_continued(batch),
        _statement(_sql.suspend, ((writes, ()) for writes in batch if isinstance(writes.exit, Suspended)), ()),
        _statement(_sql.hand_back, _hand_backs(batch), ("seconds",)),
        _statement(_sql.finish, _finishes(batch, payloads), ("states", "results", "errors")),
        Statement(_sql.hint, {}) if any(writes.forks or _is_claimable(writes) for writes in batch) else None,
    ]
    return [statement for statement in made if statement is not None]


def child_statement(batch: Sequence[TaskWrites], payloads: Payloads) -> Statement | None:
    """Child runs to start; its answers carry the children's ids. It comes before the waits, which count what does not exist as over."""
    return _statement(_sql.start_children, _children(batch, payloads), _CHILD, max_generations=MAX_GENERATIONS)


def slot_statement(batch: Sequence[TaskWrites]) -> Statement | None:
    """What steps ask of limits; its answers say who may run. After all other statements: whoever has ended by then asks in vain."""
    rows = (
        (writes, (ask.key, dumps(list(ask.uses)), ask.in_line))
        for writes in batch
        if not writes.exit
        for ask in writes.slots
    )
    return _statement(_sql.pass_steps, rows, ("keys", "uses", "in_line"))


# The columns of each statement besides tenant, task and epoch, in the order in which the rows below give them.
_RECORD = (
    "run_ids",
    "scopes",
    "keys",
    "operators",
    "outcomes",
    "attempts",
    "seconds",
    "waited",
    "reasons",
    "inputs",
    "results",
    "errors",
    "variables",
)
_VARIABLE = ("run_ids", "scopes", "names", "values")
_JOURNAL = ("run_ids", "kinds", "scopes", "keys", "data")
_FORK = ("keys", "new_ids", "kinds", "paths", "contexts", "variables", "completion_events", "plans")
_UNDO = ("run_ids", "scopes", "keys", "calls")
_ANSWER = ("update_ids", "results", "errors")
_CHILD = ("keys", "definition_ids", "hashes", "names", "inputs")
_EMIT = ("run_ids", "names", "payloads", "emitters")
_WAIT = (
    "run_ids", "keys", "kinds", "seconds", "untils", "event_names", "awaited", "needed", "attempts", "errors", "requests",
)  # fmt: skip

Rows = Iterable[tuple[TaskWrites, tuple[Any, ...]]]


def _statement(query: Query, rows: Rows, names: tuple[str, ...], **scalars: Any) -> Statement | None:
    table = [(writes.task.tenant_id, writes.task.task_id, writes.task.epoch, *columns) for writes, columns in rows]
    if not table:
        return None
    return Statement(query, _columns(table, "tenant_ids", "task_ids", "epochs", *names) | scalars)


def _columns(table: Sequence[tuple[Any, ...]], *names: str) -> dict[str, Any]:
    columns: Iterable[Sequence[Any]] = zip(*table, strict=True) if table else [()] * len(names)
    return {name: array(column) for name, column in zip(names, columns, strict=True)}


def _touches_siblings(writes: TaskWrites) -> bool:
    """Does this commit change other tasks of the run: by an event, a cancellation, a pause, or an end that takes open branches along?"""
    if writes.emits or writes.cancels or writes.pause_for or writes.closing or _moves_messages(writes):
        return True
    ends = writes.exit
    return isinstance(ends, Finished) and (
        ends.state != "completed" or writes.task.completion_event is not None or ends.continue_with is not None
    )


def _moves_messages(writes: TaskWrites) -> bool:
    return bool(writes.lapsed) or any(wait.kind in ("signal", "update") for wait in writes.waits)


def _questions(batch: Sequence[TaskWrites]) -> Rows:
    return ((writes, (wait.key,)) for writes in batch for wait in writes.waits if wait.kind == "approval")


def _hand_out(batch: Sequence[TaskWrites]) -> Statement | None:
    runs = {(writes.task.tenant_id, writes.task.workflow_run_id) for writes in batch if _moves_messages(writes)}
    return Statement(_sql.hand_out, _columns(sorted(runs), "tenant_ids", "run_ids")) if runs else None


def _children(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        for child in writes.children:
            inputs = payloads.text(writes.task.tenant_id, None, child.inputs)
            yield writes, (child.child_key, child.definition_id, child.definition_hash, child.workflow_name, inputs)


def _records(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        for write in writes.records:
            record, who = write.record, (writes.task.tenant_id, writes.task.workflow_run_id)
            yield writes, (
                writes.task.workflow_run_id, writes.task.key, record.key, record.operator, record.outcome, record.attempt, write.seconds, write.waited,
                record.reason or None, payloads.text_or_none(*who, record.input), payloads.text_or_none(*who, record.result),
                dumps(record.error.to_json()) if record.error else None,
                payloads.members(*who, record.variables) if record.variables else None,
            )  # fmt: skip


def _variables(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        latest = {name: value for write in writes.records for name, value in write.record.variables.items()}
        for name, value in latest.items():
            run_id = writes.task.workflow_run_id
            yield writes, (run_id, writes.task.key, name, payloads.text(writes.task.tenant_id, run_id, value))


def _journal(batch: Sequence[TaskWrites]) -> Rows:
    for writes in batch:
        for entry in writes.journal:
            yield writes, (writes.task.workflow_run_id, entry.kind, writes.task.key, entry.key, dumps(entry.data))


def _forks(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        who = writes.task.tenant_id, writes.task.workflow_run_id
        for fork in writes.forks:
            yield writes, (
                fork.key, fork.task_id, fork.kind, dumps(list(fork.path)), payloads.members(*who, fork.context), payloads.members(*who, fork.variables),
                fork.completion_event, dumps(fork.plan.to_json()) if fork.plan else None,
            )  # fmt: skip


def _beats(batch: Sequence[TaskWrites]) -> Rows:
    # One row of an activity can be written once in a statement, and an activity has one call.
    for writes in batch:
        for beat in writes.beats[-1:]:
            yield writes, beat_columns(beat)


def _emits(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        for emit in writes.emits:
            payload = payloads.text(writes.task.tenant_id, writes.task.workflow_run_id, emit.payload)
            yield writes, (writes.task.workflow_run_id, emit.event_name, payload, _path(writes, emit.key))


def _undos(batch: Sequence[TaskWrites]) -> Rows:
    for writes in batch:
        for write in writes.records:
            if write.record.undo is not None:
                yield writes, (writes.task.workflow_run_id, writes.task.key, write.record.key, dumps(write.record.undo))


def _answers(batch: Sequence[TaskWrites]) -> Rows:
    for writes in batch:
        for answer in writes.answers:
            error = dumps(answer.error.to_json()) if answer.error else None
            yield writes, (answer.update_id, dumps_or_none(answer.result), error)


def _waits(batch: Sequence[TaskWrites]) -> Rows:
    for writes in batch:
        for wait in writes.waits:
            yield writes, (
                writes.task.workflow_run_id, wait.key, wait.kind, wait.seconds, wait.until, wait.event_name,
                dumps(list(wait.awaited)) if wait.awaited is not None else None, wait.needed, wait.attempt,
                dumps(wait.error.to_json()) if wait.error else None, dumps(wait.request),
            )  # fmt: skip


def _cancel(writes: TaskWrites, keys: list[str]) -> Statement:
    return Statement(_sql.cancel_branches, _fenced(writes) | {"keys": keys})


def _fenced(writes: TaskWrites) -> dict[str, Any]:
    return {"tenant_id": writes.task.tenant_id, "task_id": writes.task.task_id, "epoch": writes.task.epoch}


def _pause(writes: TaskWrites) -> Statement:
    return Statement(_sql.pause, _fenced(writes) | {"reason": writes.pause_for})


def _continued(batch: Sequence[TaskWrites]) -> Iterable[Statement]:
    for writes in batch:
        if isinstance(writes.exit, Finished) and writes.exit.continue_with is not None:
            yield Statement(_sql.continue_run, _fenced(writes) | {"inputs": dumps(writes.exit.continue_with)})


def _is_claimable(writes: TaskWrites) -> bool:
    return isinstance(writes.exit, HandedBack) and not writes.exit.seconds


def _hand_backs(batch: Sequence[TaskWrites]) -> Rows:
    for writes in batch:
        if isinstance(writes.exit, HandedBack):
            yield writes, (writes.exit.seconds,)


def _finishes(batch: Sequence[TaskWrites], payloads: Payloads) -> Rows:
    for writes in batch:
        if isinstance(writes.exit, Finished):
            yield (
                writes,
                (
                    writes.exit.state,
                    payloads.text_or_none(writes.task.tenant_id, writes.task.workflow_run_id, writes.exit.result),
                    dumps(writes.exit.error) if writes.exit.error else None,
                ),
            )


def _path(writes: TaskWrites, key: str) -> str:
    return f"{writes.task.key}/{key}" if writes.task.key else key
