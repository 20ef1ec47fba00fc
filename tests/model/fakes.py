"""The programs' own tool, and what it did: effects that no database rolls back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from engine.db.connection import Connection
from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput, ToolSpec
from tests.model.facts import Facts
from tests.model.model import Asked


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
        self._wrong: list[str] = []

    def _do(self, ctx: ToolContext, given: DoInput) -> Json:
        """Does it, or fails."""
        self.made[ctx.workflow_run_id, ctx.scope, ctx.step_key, ctx.attempt] += 1
        if ctx.attempt <= given.fails:
            raise ToolError("not yet")
        return {"attempt": ctx.attempt}

    def problems(self, family: Mapping[UUID, Facts], asked: Mapping[UUID, Asked], *, disturbed: bool) -> Iterator[str]:
        """Effects without a reason, checkpoints without an effect, and, where no worker died, anything done twice."""
        for run_id, facts in family.items():
            for (scope, key), done in facts.done.items():
                if (
                    done.operator not in ("task", "undo")
                    or not isinstance(done.result, dict)
                    or done.result.keys() != {"attempt"}
                ):
                    continue
                times = [self.made[run_id, scope, key, attempt] for attempt in range(1, done.attempt + 1)]
                if 0 in times:
                    yield f"{key} of {run_id} is checkpointed at attempt {done.attempt}, and was executed {times}"
                if not disturbed and any(count > 1 for count in times):
                    yield f"{key} of {run_id} was executed {times} although no worker was disturbed"
                if self.made[run_id, scope, key, done.attempt + 1]:
                    yield f"{key} of {run_id} was executed once more than its {done.attempt} attempts"
