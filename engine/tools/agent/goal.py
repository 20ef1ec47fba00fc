"""A goal: what a model is to achieve, with which tools, and how far it has come. It is a variable of the run, so it survives everything."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolInputError
from engine.tools.llm.input import ModelChoice
from engine.tools.spec import ToolInput

GoalName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=100)]
Status = Literal["open", "achieved", "given_up", "out_of_turns"]


class AllowedTool(BaseModel):
    """A tool that the model may call. ``fixed`` arguments are the author's: the model neither sees nor changes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tool: Annotated[str, Field(min_length=1, max_length=300)]
    fixed: dict[str, JsonValue] = Field(default_factory=dict)


def _as_tool(given: object) -> object:
    return {"tool": given} if isinstance(given, str) else given


Allowed = Annotated[AllowedTool, BeforeValidator(_as_tool)]


class GoalFields(ModelChoice):
    """What an author says of a goal."""

    goal: Annotated[str, Field(min_length=1, max_length=100_000)]
    criteria: Annotated[list[str], Field(max_length=50)] = Field(default_factory=list)
    tools: Annotated[list[Allowed], Field(max_length=64)] = Field(default_factory=list)
    system: Annotated[str, Field(max_length=100_000)] | None = None
    max_turns: Annotated[int, Field(ge=1, le=50)] = 10


class InitGoalInput(GoalFields):
    """``name`` is the variable that keeps the goal. ``criteria`` say when it is achieved. ``tools`` are names, or ``{"tool", "fixed": {argument: value}}``.

    A model may take ``max_turns`` turns.
    """

    name: GoalName = "goal"


class Goal(GoalFields):
    """A goal and where it stands. ``status`` is open, achieved, given_up or out_of_turns; ``calls`` are the tools that were called, in order."""

    name: GoalName
    status: Status = "open"
    turns: int = 0
    result: JsonValue = None
    reason: str = ""
    calls: list[str] = Field(default_factory=list)
    tokens: int = 0


class GoalReference(ToolInput):
    """A goal: its name, or what `tools.agent.init_goal` gave."""

    goal: str | Goal = "goal"


def init_goal(ctx: ToolContext, given: InitGoalInput) -> Json:
    """Set a goal. Returns it, and keeps it as a variable of the run's scope under its name."""
    goal = Goal(**given.model_dump())
    return keep(ctx, goal)


def keep(ctx: ToolContext, goal: Goal) -> Json:
    """Store the goal with the step's checkpoint; its stored form."""
    stored: Json = goal.model_dump(mode="json")
    ctx.set_variable(goal.name, stored)
    return stored


def goal_of(ctx: ToolContext, given: GoalReference) -> Goal:
    """The goal that is meant."""
    if isinstance(given.goal, Goal):
        return given.goal
    stored = ctx.get_variable(given.goal)
    if stored is None:
        raise ToolInputError(f"there is no goal {given.goal!r} here: tools.agent.init_goal sets one")
    try:
        return Goal.model_validate(stored)
    except ValidationError:
        raise ToolInputError(f"the variable {given.goal!r} is no goal") from None


def goals_in(ctx: ToolContext) -> set[str]:
    """The variables of this scope that hold goals."""
    form = {"goal", "tools", "status", "max_turns"}
    return {name for name, value in ctx.variables.items() if isinstance(value, dict) and form <= value.keys()}
