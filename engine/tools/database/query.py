"""Ask a database of the deployment."""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import BaseModel, Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.model.json import Json, JsonObject
from engine.ports import Question, QuestionRefusedError, Table
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError
from engine.tools.spec import ToolInput

DEFAULT_SECONDS = 30.0
MAX_BYTES = 8 * 1024 * 1024


class QueryInput(ToolInput):
    """One statement, with ``%s`` (``parameters`` is a list) or ``%(name)s`` (an object) where values go: they are bound, never written into it.

    It may only read unless ``write`` is true and the deployment allows this database to be written to. ``max_rows`` and ``max_bytes`` bound the answer.
    """

    database: Annotated[str, Field(min_length=1, max_length=100)]
    sql: Annotated[str, Field(min_length=1, max_length=100_000)]
    parameters: list[JsonValue] | dict[str, JsonValue] | None = None
    write: bool = False
    max_rows: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    max_bytes: Annotated[int, Field(ge=1_000, le=MAX_BYTES)] = 1_000_000
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] | None = None


class QueryOutput(BaseModel):
    """``row_count`` is how many rows were read or changed; ``truncated``: there were more than the limits let through."""

    columns: list[str]
    rows: list[dict[str, JsonValue]]
    row_count: int
    truncated: bool


def query(ctx: ToolContext, given: QueryInput) -> Json:
    """Run one SQL statement in a database that the deployment lends to this tenant. Returns ``{"columns", "rows", "row_count", "truncated"}``.

    ``rows`` are objects by column. Numbers of any precision, times, UUIDs and the like are text, as the database writes them; bytes are base64.
    A change commits before the step's checkpoint: an attempt that was interrupted may have happened, so make it safe to repeat
    (``INSERT ... ON CONFLICT DO NOTHING`` with a key of the run).
    """
    databases = ctx.services.databases
    mine = sorted(databases.names(ctx.tenant_id)) if databases else []
    if databases is None or given.database not in mine:
        raise ToolInputError(
            f"there is no database {given.database!r} for this tenant; there is: {', '.join(mine) or 'none'}"
        )
    question = Question(
        database=given.database,
        sql=given.sql,
        parameters=given.parameters,
        write=given.write,
        seconds=ctx.bounded(given.timeout_seconds or DEFAULT_SECONDS),
        max_rows=given.max_rows,
        max_bytes=given.max_bytes,
    )
    try:
        reach(FaultPoint.CALL_BEFORE)
        table = databases.ask(question, ctx.cancelled)
        reach(FaultPoint.CALL_ANSWERED)
    except QuestionRefusedError as refused:
        if ctx.cancelled.is_set():
            raise ToolCancelled from refused
        raise ToolError(str(refused), type=refused.type, retryable=refused.retryable) from refused
    return _result(table)


def _result(table: Table) -> JsonObject:
    return {
        "columns": cast(list[Json], table.columns),
        "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        "row_count": table.row_count,
        "truncated": table.truncated,
    }
