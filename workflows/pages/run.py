"""The page of a run: header, banners, one tab, and the step that is selected beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine import facade
from engine.facade import Exhausted
from engine.model.activity_views import ActivityView
from engine.model.json import Json
from engine.model.views import Reason, Related, RunView, StepView, StoryEntry
from highway_platform.kit.permissions import Grant
from workflows.graph.states import address
from workflows.pages.activity import activity_of_step
from workflows.pages.drawing import Picture, picture_of_run
from workflows.pages.reading import reading
from workflows.timeline import Timeline, make_timeline, order_of_start

STORY_PAGE = 500
STEPS_PAGE = 500
MOST_STEPS = 10_000
UNDO = "@undo"
ASKS = "approval"  # the reason of a run that people have to decide about
BY_ITSELF = "highway"  # who pauses a run whose step has spent its attempts
TABS = ("graph", "timeline", "steps", "events", "logs", "io")


@dataclass(frozen=True, slots=True)
class Failure:
    """The cause of a run that failed: what to say in the first line, where to look, and the steps that were undone for it, in that order."""

    step: StepView | None
    path: str
    message: str
    kind: str
    undone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Everything that one tab of a run's page shows."""

    run: RunView
    tab: str
    tag: str
    steps: list[StepView]
    related: list[Related]
    reasons: list[Reason]
    asked: list[Reason]
    exhausted: list[Exhausted]
    failure: Failure | None
    selected: StepView | None
    selected_path: str
    executions: list[StepView]
    activity: ActivityView | None = None
    picture: Picture | None = None
    timeline: Timeline = field(default_factory=Timeline)
    story: list[StoryEntry] = field(default_factory=list)
    after: int = 0
    next_after: int = 0
    result: Json = None

    @property
    def fork_from(self) -> str:
        """What *Fork…* offers: the step that is looked at; of a run that undid what it had done, the first of that, as a fork keeps nothing of it."""
        if self.failure and self.failure.undone:
            scope, inside, _ = self.failure.undone[-1].partition("/")
            return scope.rpartition(".")[0] if inside else scope
        return self.selected.key if self.selected else ""

    @property
    def listed(self) -> list[StepView]:
        """The steps of this part of the table."""
        return self.steps[self.after : self.after + STEPS_PAGE]


def path_of(step: StepView) -> str:
    """How an execution is named in addresses: its key, after the scope of its branch."""
    return f"{step.scope}/{step.key}" if step.scope else step.key


def load_run_page(grant: Grant, run_id: UUID, *, tab: str, step: str = "", after: int = 0) -> RunPage:
    """Read a run for one tab. ``step`` is the path of an execution, or of a node: then its first failed execution, or its last."""
    tenant = grant.tenant_id
    with reading(grant) as connection:
        run = facade.get_run(connection, tenant_id=tenant, workflow_run_id=run_id)
        tag = facade.run_tag(connection, tenant_id=tenant, workflow_run_id=run_id)
        situation = facade.run_situation(connection, tenant_id=tenant, run=run, steps=MOST_STEPS)
        steps = situation.steps
        related = facade.list_related(connection, tenant_id=tenant, workflow_run_id=run_id)
        asks = any(step.wait and step.wait.kind == "person" for step in steps)
        exhausted = facade.list_exhausted(connection, tenant_id=tenant, workflow_run_id=run_id) if asks else []
        drawn = (
            facade.find_definition(connection, tenant_id=tenant, definition_id=run.definition_id)
            if tab == "graph"
            else None
        )
        story = _story(connection, grant, run_id, tab, after)
        result = facade.run_result(connection, tenant_id=tenant, workflow_run_id=run_id) if tab == "io" else None
        failure = _failure(run, steps)
        executions = _executions(steps, step or (failure.path if failure else ""))
        selected = _chosen(executions, step)
        activity = activity_of_step(connection, grant, run_id, selected)
    return RunPage(
        run=run,
        tab=tab,
        tag=str(tag),
        steps=steps,
        related=related,
        reasons=_worth_saying(run, situation.reasons, exhausted),
        asked=[reason for reason in situation.reasons if reason.code == ASKS],
        exhausted=exhausted,
        failure=failure,
        selected=selected,
        selected_path=path_of(selected) if selected else "",
        executions=executions,
        activity=activity,
        picture=picture_of_run(drawn.definition, steps, selected, run_is_open=run.is_open) if drawn else None,
        timeline=_timeline(run, steps, after) if tab == "timeline" else Timeline(),
        story=story[:STORY_PAGE],
        after=after,
        next_after=_next(tab, after, steps, story),
        result=result,
    )


def load_run(grant: Grant, run_id: UUID) -> RunView:
    """One run, for pages about it that show no steps."""
    with reading(grant) as connection:
        return facade.get_run(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id)


def load_tag(grant: Grant, run_id: UUID) -> str:
    """What a page sends back to ask whether anything changed: one indexed read."""
    with reading(grant) as connection:
        return str(facade.run_tag(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id))


def _story(connection: Any, grant: Grant, run_id: UUID, tab: str, after: int) -> list[StoryEntry]:
    """One entry more than a page holds tells that there are more."""
    read = {"events": facade.list_story, "logs": facade.list_logs}.get(tab)
    if read is None:
        return []
    return read(connection, tenant_id=grant.tenant_id, workflow_run_id=run_id, after=after, quantity=STORY_PAGE + 1)


def _timeline(run: RunView, steps: Sequence[StepView], after: int) -> Timeline:
    begun = sorted((step for step in steps if step.started_at), key=order_of_start)
    return make_timeline(begun[after : after + STEPS_PAGE], run_is_open=run.is_open)


def _next(tab: str, after: int, steps: Sequence[StepView], story: Sequence[StoryEntry]) -> int:
    """Where the next part begins, 0 when there is none: a position among the steps, a number of the story."""
    if tab in {"steps", "timeline"}:
        return after + STEPS_PAGE if len(steps) > after + STEPS_PAGE else 0
    return story[STORY_PAGE - 1].seq if len(story) > STORY_PAGE else 0


def _failure(run: RunView, steps: Sequence[StepView]) -> Failure | None:
    if run.status not in {"failed", "compensated"} or not run.error:
        return None
    error = run.error
    scope, key = str(error.get("scope") or ""), str(error.get("step") or "")
    step = next((step for step in steps if (step.scope, step.key) == (scope, key)), None)
    path = path_of(step) if step else ""
    undone = [step.key.removesuffix(UNDO) for step in steps if step.key.endswith(UNDO) and step.status == "succeeded"]
    kind = str(error.get("type") or error.get("kind") or "")
    return Failure(step, path, str(error.get("message") or ""), kind, undone)


def _executions(steps: Sequence[StepView], path: str) -> list[StepView]:
    """All executions of the node that a path belongs to."""
    node = address("", path)
    found = [step for step in steps if address(step.scope, step.key) == node]
    if not found:  # an activity's work is a step of its own below the node
        found = [step for step in steps if step.scope and address("", step.scope) == node]
    return found


def _chosen(executions: Sequence[StepView], path: str) -> StepView | None:
    exact = [step for step in executions if path_of(step) == path]
    failed = [step for step in executions if step.status in {"failed", "timedout"}]
    return next(iter([*exact, *failed, *reversed(executions)]), None)


def _worth_saying(run: RunView, reasons: Sequence[Reason], exhausted: Sequence[Exhausted]) -> list[Reason]:
    """A run that is at work may well wait for a branch: only troubles are told of it. What asks people has banners of its own."""
    reasons = [reason for reason in reasons if reason.code != ASKS]
    if exhausted:
        told = {"person", "paused"} if run.paused_by == BY_ITSELF else {"person"}
        reasons = [reason for reason in reasons if reason.code not in told]
    troubles = {"no_worker", "worker_gone", "paused"}
    return [reason for reason in reasons if run.status != "running" or reason.code in troubles]
