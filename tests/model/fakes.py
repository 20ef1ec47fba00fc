"""The programs' own tool, and what it did: effects that no database rolls back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from engine.db.connection import Connection, cursor
from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput, ToolSpec
from tests.model.definitions import UNDER
from tests.model.facts import Facts

_HOLDER = """
    SELECT t.task_id, (SELECT n.task_id FROM highway.named_lock AS n WHERE n.tenant_id = t.tenant_id AND n.name = %s ORDER BY n.ticket LIMIT 1) AS holder
      FROM highway.task AS t WHERE t.tenant_id = %s AND t.workflow_run_id = %s AND t.key = %s AND highway.is_open(t.state)
"""


class DoInput(ToolInput):
    """How often it fails before it succeeds."""

    fails: int = 0


class Effects:
    """Notes every execution of `tools.model.do`: (run, scope, step, attempt). What is checkpointed must never be executed by a claim that came later."""

    def __init__(self, connection: Connection) -> None:
        self.made: Counter[tuple[UUID, str, str, int]] = Counter()
        self.tools: Mapping[str, ToolSpec[Any]] = {
            "tools.model.do": ToolSpec("tools.model.do", self._do, DoInput, side_effect="effectful"),
        }
        self._connection = connection
        self._wrong: list[str] = []  # said at the end: a tool that raised would only fail

    def _do(self, ctx: ToolContext, given: DoInput) -> Json:
        """Does it, or fails."""
        self.made[ctx.workflow_run_id, ctx.scope, ctx.step_key, ctx.attempt] += 1
        if UNDER in ctx.step_key:
            self._check_lock(ctx, ctx.step_key.partition(UNDER)[2])
        if ctx.attempt <= given.fails:
            raise ToolError("not yet")
        return {"attempt": ctx.attempt}

    def _check_lock(self, ctx: ToolContext, name: str) -> None:
        """The lock that the step is done under is its task's, as long as that has not ended."""
        row = (
            cursor(self._connection).execute(_HOLDER, [name, ctx.tenant_id, ctx.workflow_run_id, ctx.scope]).fetchone()
        )
        if row is not None and row["task_id"] != row["holder"]:
            self._wrong.append(f"{ctx.step_key} of {ctx.workflow_run_id} was done while {row['holder']} held {name}")

    def problems(self, family: Mapping[UUID, Facts], *, disturbed: bool) -> Iterator[str]:
        """Effects without a reason, checkpoints without an effect, and, where no worker died, anything done twice."""
        yield from self._wrong
        for run_id, facts in family.items():
            for (scope, key), done in facts.done.items():
                if (
                    done.operator not in ("task", "undo")
                    or not isinstance(done.result, dict)
                    or done.result.keys() != {"attempt"}
                    or facts.is_copied((scope, key))
                ):
                    continue
                times = [self.made[run_id, scope, key, attempt] for attempt in range(1, done.attempt + 1)]
                if 0 in times:
                    yield f"{key} of {run_id} is checkpointed at attempt {done.attempt}, and was executed {times}"
                if not disturbed and any(count > 1 for count in times):
                    yield f"{key} of {run_id} was executed {times} although no worker was disturbed"
                if self.made[run_id, scope, key, done.attempt + 1]:
                    yield f"{key} of {run_id} was executed once more than its {done.attempt} attempts"
