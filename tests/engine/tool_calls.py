"""How the tests of tools call them: the worker's way, through bind() and a real context."""

from __future__ import annotations

import json
import uuid
from typing import Any

from engine.durable.tool_context import ToolContext, default_idempotency_key
from engine.model.requests import Request
from engine.tools import registry
from engine.tools.results import check_result
from engine.tools.spec import bind
from sandbox.bubblewrap import BubblewrapSandbox


def context(**changes: Any) -> ToolContext:
    """A context as the worker makes it for a step "say" of a fresh run."""
    run = uuid.uuid4()
    given: dict[str, Any] = {
        "tenant_id": uuid.uuid4(),
        "workflow_run_id": run,
        "scope": "",
        "step_key": "say",
        "task_id": "say",
        "idempotency_key": default_idempotency_key(run, "", "say"),
        "sandbox": BubblewrapSandbox(),
        "worker_id": "worker-1",
    }
    return ToolContext(**(given | changes))


def call(name: str, *args: Any, ctx: ToolContext | None = None, **kwargs: Any) -> Any:
    """Run one attempt of a tool; an answer must be storable, and comes back as the database would give it."""
    spec = registry[name]
    answer = spec.run(ctx or context(), bind(spec, args, kwargs))
    if isinstance(answer, Request):
        return answer
    check_result(answer)
    return json.loads(json.dumps(answer))
