"""Reads: each opens one transaction for the tenant of the grant, so a page or an answer is one consistent picture."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection as django_connection

from engine import facade
from engine.model.messages import UndoView, UpdateView
from engine.model.views import (
    DefinitionView,
    EventView,
    Health,
    Reason,
    RunFilter,
    RunRow,
    RunView,
    SignalView,
    StepView,
    StoryEntry,
    VariableView,
    WorkflowView,
)
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction

from .tails import Tail

MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class RunState:
    """A run with its steps, its definition, why it is not going on, and as much of its log as was asked for."""

    run: RunView
    steps: list[StepView]
    definition: DefinitionView
    reasons: list[Reason]
    logs: list[StoryEntry]

    @property
    def result(self) -> dict[str, Any]:
        """Task id -> result, of the run's own steps that succeeded."""
        own = [step for step in self.steps if step.scope == "" and step.status == "succeeded" and "[" not in step.key]
        return {step.key: step.result for step in own}

    @property
    def current_step(self) -> str | None:
        """The step that is under way or waits; in the run itself before its branches."""
        open_steps = [step for step in self.steps if step.finished_at is None]
        first = min(open_steps, key=lambda step: (step.scope != "", step.wait is not None), default=None)
        return first.key if first else None

    @property
    def done(self) -> int:
        """How many tasks of the definition have ended. All of them, once the run has."""
        ended = {step.key for step in self.steps if step.scope == "" and step.finished_at is not None}
        return len(ended & set(self._tasks)) if self.run.is_open else self.total

    @property
    def total(self) -> int:
        """How many tasks of the definition this run goes through: once it has ended, those that it did."""
        if self.run.is_open:
            return len(self._tasks)
        return len({step.key for step in self.steps if step.scope == "" and step.key in self._tasks})

    @property
    def _tasks(self) -> list[str]:
        tasks: dict[str, Any] = self.definition.definition.get("tasks", {})  # type: ignore[assignment]
        return [name for name, task in tasks.items() if not task.get("is_internal_loop_task")]


def run_state(grant: Grant, run_id: uuid.UUID, *, log_lines: int = 0) -> RunState:
    """One run and all that tells how it is doing, with the first lines of its log."""
    tenant_id = grant.tenant_id
    with tenant_transaction(tenant_id) as connection:
        run = facade.get_run(connection, tenant_id=tenant_id, workflow_run_id=run_id)
        now = facade.run_situation(connection, tenant_id=tenant_id, run=run, steps=MAX_STEPS, log_lines=log_lines)
        definition = facade.find_definition(connection, tenant_id=tenant_id, definition_id=run.definition_id)
    return RunState(run, now.steps, definition, now.reasons, now.logs)


def run_list(grant: Grant, chosen: RunFilter, *, before: uuid.UUID | None = None, quantity: int = 50) -> list[RunRow]:
    """Runs, newest first; ``before`` is the last run of the page before."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.find_runs(connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=quantity)


def run_counts(grant: Grant, chosen: RunFilter | None = None) -> dict[str, int]:
    """Runs of each status, each counted up to a cap, started since the filter's beginning."""
    since = chosen.created_from if chosen else None
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.count_by_status(connection, tenant_id=grant.tenant_id, created_from=since)


def run_tag(grant: Grant, run_id: uuid.UUID) -> int:
    """A number that changes whenever a page about this run would."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.run_tag(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def step_list(grant: Grant, run_id: uuid.UUID) -> tuple[RunView, list[StepView]]:
    """A run and its steps."""
    with tenant_transaction(grant.tenant_id) as connection:
        run = facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return run, facade.list_steps(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def checkpoint_list(grant: Grant, run_id: uuid.UUID, step: str | None, *, after: int, quantity: int) -> list[Any]:
    """Checkpoints of a run, or of the one step, in the order in which they were written."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_checkpoints(
            connection,
            tenant_id=grant.tenant_id,
            workflow_run_id=run_id,
            step_key=step,
            after=after,
            quantity=quantity,
        )


def story_list(grant: Grant, run_id: uuid.UUID, *, after: int = 0, quantity: int = 100) -> Tail:
    """What happened in a run, oldest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        settled = facade.story_settled(connection)
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        entries = facade.list_story(
            connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, after=after, quantity=quantity
        )
    return Tail(entries, after, quantity, settled)


def log_list(grant: Grant, run_id: uuid.UUID, *, after: int = 0, quantity: int = 500) -> Tail:
    """Log lines of a run, oldest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        settled = facade.story_settled(connection)
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        entries = facade.list_logs(
            connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, after=after, quantity=quantity
        )
    return Tail(entries, after, quantity, settled)


def event_list(grant: Grant, run_id: uuid.UUID) -> list[EventView]:
    """Events of a run."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_events(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def signal_list(grant: Grant, run_id: uuid.UUID) -> list[SignalView]:
    """The inbox of a run."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_signals(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def update_list(grant: Grant, run_id: uuid.UUID, *, quantity: int) -> list[UpdateView]:
    """Requests to a run, the newest first."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_updates(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, quantity=quantity)


def update_get(grant: Grant, update_id: uuid.UUID) -> UpdateView:
    """One request and its reply, as it is now."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.get_update(connection, tenant_id=grant.tenant_id, update_id=update_id)


def undo_list(grant: Grant, run_id: uuid.UUID) -> tuple[RunView, list[UndoView]]:
    """A run, and what it has to undo or has undone."""
    with tenant_transaction(grant.tenant_id) as connection:
        run = facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return run, facade.list_undo(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def variable_list(grant: Grant, run_id: uuid.UUID) -> list[VariableView]:
    """The variables of a run, by name."""
    with tenant_transaction(grant.tenant_id) as connection:
        facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)
        return facade.list_variables(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def definition_get(grant: Grant, **label: Any) -> DefinitionView:
    """A definition by ``definition_id``, by ``definition_hash``, or by ``name`` (and ``version``)."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.find_definition(connection, tenant_id=grant.tenant_id, **label)


def workflow_list(grant: Grant, *, after_name: str = "", quantity: int = 50) -> list[WorkflowView]:
    """Workflows by name, each with its newest definition."""
    with tenant_transaction(grant.tenant_id) as connection:
        return facade.list_workflows(connection, tenant_id=grant.tenant_id, after_name=after_name, quantity=quantity)


def health() -> Health:
    """Whether the installation makes progress. Names no tenant."""
    django_connection.ensure_connection()
    return facade.health(django_connection.connection)
