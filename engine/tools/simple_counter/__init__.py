"""`tools.simple_counter.*`: the tenant's named counters. Each change commits together with the step's checkpoint: exactly once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.ports import Transaction
from engine.tools.spec import ToolInput, ToolSpec

CounterName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
CounterValue = Annotated[int, Field(ge=-(2**62), le=2**62)]  # leaves room below bigint's bounds


class StepInput(ToolInput):
    """A counter and by how much it changes."""

    name: CounterName
    delta: CounterValue = 1


class NameInput(ToolInput):
    """A counter."""

    name: CounterName


class ResetInput(ToolInput):
    """A counter and the value it starts again from."""

    name: CounterName
    value: CounterValue = 0


def increment(ctx: ToolContext, given: StepInput) -> Json:
    """Add to a counter; an unknown one starts at 0. Returns ``{"name", "value"}`` with the new value."""
    return {"name": given.name, "value": _transaction(ctx).counter_add(given.name, given.delta)}


def decrement(ctx: ToolContext, given: StepInput) -> Json:
    """Subtract from a counter; an unknown one starts at 0. Returns ``{"name", "value"}`` with the new value."""
    return {"name": given.name, "value": _transaction(ctx).counter_add(given.name, -given.delta)}


def get(ctx: ToolContext, given: NameInput) -> Json:
    """Read a counter; an unknown one is 0. Returns ``{"name", "value"}``."""
    return {"name": given.name, "value": _transaction(ctx).counter_get(given.name)}


def reset(ctx: ToolContext, given: ResetInput) -> Json:
    """Set a counter. Returns ``{"name", "value", "previous"}``."""
    previous = _transaction(ctx).counter_reset(given.name, given.value)
    return {"name": given.name, "value": given.value, "previous": previous}


def _transaction(ctx: ToolContext) -> Transaction:
    if ctx.transaction is None:
        raise RuntimeError(f"step {ctx.step_key}: a transactional tool was called without a transaction")
    return ctx.transaction


TOOLS = (
    ToolSpec("tools.simple_counter.increment", increment, StepInput, side_effect="effectful", transactional=True),
    ToolSpec("tools.simple_counter.decrement", decrement, StepInput, side_effect="effectful", transactional=True),
    ToolSpec("tools.simple_counter.get", get, NameInput, side_effect="pure", transactional=True),
    ToolSpec("tools.simple_counter.reset", reset, ResetInput, side_effect="idempotent", transactional=True),
)
