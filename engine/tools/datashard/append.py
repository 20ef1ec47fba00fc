"""One batch of rows into a table of `datashard`. A commit costs tens of milliseconds and a file, so rows come in batches, in a step of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.model.json import Json
from engine.tools.datashard.turns import turn
from engine.tools.errors import ToolError, ToolInputError
from engine.tools.spec import ToolInput

if TYPE_CHECKING:
    from datashard import Table

MAX_ROWS = 10_000
KEY_COLUMN = "highway_key"  # by which a batch is found that an interrupted attempt has written
_PROBLEM_CHARACTERS = 1_000

Column = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Cell = str | bool | int | float | None
Kind = Literal["string", "boolean", "long", "double"]
_KINDS: dict[type, Kind] = {str: "string", bool: "boolean", int: "long", float: "double"}


class AppendInput(ToolInput):
    """A table of the tenant and the rows of one batch. ``columns`` says the types of a new table; without it they are those of the rows."""

    table: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=100)]
    records: Annotated[list[dict[Column, Cell]], Field(min_length=1, max_length=MAX_ROWS)]
    columns: dict[Column, Kind] | None = None

    @model_validator(mode="after")
    def _leaves_our_column(self) -> AppendInput:
        if KEY_COLUMN in {*(self.columns or {}), *(name for row in self.records for name in row)}:
            raise ValueError(f"the column {KEY_COLUMN} is the platform's own")
        return self


class AppendOutput(BaseModel):
    """How many rows were written; none when an interrupted attempt of this step had written them."""

    table: str
    appended: int
    was_there: bool


def append(ctx: ToolContext, given: AppendInput) -> Json:
    """Append a batch of rows to a table, which is made when it is missing. Returns ``{"table", "appended", "was_there"}``.

    A batch is written once however often its step is tried: each row carries the step's idempotency key in the column ``highway_key``, and
    workers take turns at a table. Needs the package `datashard` and a folder that the operator names.
    """
    folder = ctx.runners.datashard.folder
    if not folder:
        message = "this worker keeps no tables: its operator has to set [datashard] folder"
        raise ToolError(message, type="NoTables", retryable=False)
    place = Path(folder, ctx.tenant_id.hex, given.table)
    place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        with turn(ctx, place):
            is_there = _kept(ctx, place, given)
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed on this worker: its operator can install requirements/extras.txt"
        raise ToolError(message, type="NotInstalled", retryable=False) from None
    except (ToolError, OSError):
        raise
    except Exception as error:  # whatever the library thinks of these rows
        raise ToolError(str(error)[:_PROBLEM_CHARACTERS], type=type(error).__name__) from error
    return {"table": given.table, "appended": 0 if is_there else len(given.records), "was_there": is_there}


def _kept(ctx: ToolContext, place: Path, given: AppendInput) -> bool:
    """Write the batch, unless another attempt has: whether one had."""
    table = _opened(place, given)
    if table.scan(filter={KEY_COLUMN: ctx.idempotency_key}, columns=[KEY_COLUMN]):
        return True
    reach(FaultPoint.CALL_BEFORE)
    table.append_records([{**row, KEY_COLUMN: ctx.idempotency_key} for row in given.records])
    reach(FaultPoint.CALL_ANSWERED)
    return False


def _opened(place: Path, given: AppendInput) -> Table:
    from datashard import Schema, create_table, load_table  # noqa: PLC0415 - installed where somebody wants it

    try:
        return load_table(str(place))
    except ValueError:  # there is none yet
        return create_table(str(place), Schema(schema_id=1, fields=_fields(given)), if_exists="ignore")


def _fields(given: AppendInput) -> list[dict[str, Any]]:
    columns = {KEY_COLUMN: "string", **(given.columns or _kinds(given.records))}
    return [
        {"id": number, "name": name, "type": kind, "required": False}
        for number, (name, kind) in enumerate(columns.items(), 1)
    ]


def _kinds(records: list[dict[str, Cell]]) -> dict[str, Kind]:
    """The type of each column, by its values: whole numbers beside others are numbers."""
    found: dict[str, set[Kind]] = {}
    for row in records:
        for name, value in row.items():
            kinds = found.setdefault(name, set())
            if value is not None:
                kinds.add(_KINDS[type(value)])
    return {name: _only(name, kinds) for name, kinds in found.items()}


def _only(name: str, kinds: set[Kind]) -> Kind:
    if kinds == {"long", "double"}:
        return "double"
    if len(kinds) != 1:
        seen = " and ".join(sorted(kinds)) or "nothing but null"
        raise ToolInputError(f"tools.datashard.append: the column {name} holds {seen}: say its type in columns")
    return next(iter(kinds))
