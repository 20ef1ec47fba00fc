"""What an agent does inside its step, each thing a checkpoint of its own: after a wait, a retry or the death of a worker it is not done again."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import replace

from engine.durable.ledger import Ledger
from engine.durable.tool_context import ToolContext
from engine.durable.toolbox import Toolbox
from engine.kit.json_text import storable
from engine.model.json import Json, JsonObject
from engine.model.notes import Note, child_key
from engine.model.requests import (
    AwaitBranches,
    CallAgain,
    HearEvent,
    Request,
    RunChild,
    SleepFor,
    SleepUntil,
    TakeMessage,
    Wait,
)
from engine.ports import Transaction
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError
from engine.tools.results import check_result

_WAITS = (AwaitBranches, RunChild, SleepFor, SleepUntil, HearEvent, TakeMessage)  # of tools that an agent may call


class Suspended(BaseException):
    """The step waits; it is called again when the wait is over. A signal and no error: whoever catches errors must not catch it."""

    def __init__(self, request: CallAgain) -> None:
        super().__init__(request.name)
        self.request = request


class Journal:
    """The notes of one step. A name is the identity of what is done under it, for ever.

    ``reserved`` are variables that no tool that is called here may set.
    """

    def __init__(self, ctx: ToolContext, *, reserved: Collection[str] = ()) -> None:
        if ctx.ledger is None or ctx.toolbox is None:
            raise RuntimeError(f"step {ctx.step_key}: a durable tool was called without a ledger")
        self._ctx = ctx
        self._reserved = reserved
        self._ledger: Ledger = ctx.ledger
        self._toolbox: Toolbox = ctx.toolbox
        self._variables: JsonObject = {}  # set by tools of this step: what it was called with does not know of them

    @property
    def toolbox(self) -> Toolbox:
        """The tools that can be called."""
        return self._toolbox

    def once(self, method: str, name: str, work: Callable[[str], Json]) -> Json:
        """The result of ``work``, done once. It is given an idempotency key of its own. What it raises is not noted: it is tried again."""
        noted, found = self._noted(name)
        if noted:
            return found
        result = work(f"{self._ctx.idempotency_key}.{name}")
        check_result(result)
        self._ledger.note(Note(method, name, result))
        return result

    def call(self, name: str, tool: str, kwargs: JsonObject) -> Json:
        """The result of a tool, called once. Raises its `ToolError`, which is not noted, and `Suspended` when the tool waits for something."""
        noted, found = self._noted(name)
        if noted:
            return found
        self.require(tool)
        inner = self._inner(name)
        if self._toolbox.is_transactional(tool):
            return self._ledger.transact(name, self._transacted(tool, kwargs, inner))
        answer = self._toolbox.call(tool, kwargs, inner)
        if isinstance(answer, Request):
            raise Suspended(CallAgain("tool", name, _wait(tool, answer)))
        changed = dict(inner.changed_variables)
        if kept := sorted(changed.keys() & set(self._reserved)):
            raise ToolInputError(f"{tool} cannot set {', '.join(kept)} here: it holds a goal")
        self._variables |= changed
        self._ledger.note(Note("tool", name, answer, variables=changed))
        return answer

    def outcome(
        self, name: str, tool: str, kwargs: JsonObject, counts: Callable[[ToolError], bool] = lambda _error: True
    ) -> JsonObject:
        """As `call`, with a failure that counts as a result: ``{"result"}`` or ``{"error"}``, which stays what it was, as others build on it."""
        failed = f"{name}.error"
        noted, found = self._noted(failed)
        if noted:
            return {"error": found}
        try:
            return {"result": self.call(name, tool, kwargs)}
        except ToolCancelled:
            raise
        except ToolError as error:
            if not counts(error):
                raise
            message = storable(error.message)
            return {"error": self.once("refused", failed, lambda _key: message)}

    def spawn(self, name: str, child: RunChild) -> str:
        """Start a child run once; the key by which it is waited for."""
        key = child_key(self._ctx.qualified_step, name)
        if not self._noted(name)[0]:
            self._ledger.note(Note("spawn", name, key, child=replace(child, wait=False)))
        return key

    def wait(self, name: str, wait: Wait) -> Json:
        """The answer of a wait. Raises `Suspended` until it is over, and a `ToolError` when it has failed."""
        noted, found = self._noted(name)
        if not noted:
            raise Suspended(CallAgain("wait", name, wait))
        return found

    def require(self, tool: str) -> None:
        """Refuse a tool that cannot be called from inside a step."""
        names = self._toolbox.names()
        if tool not in names:
            near = difflib.get_close_matches(tool, names, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ToolInputError(f"the tool {tool!r} is unknown, or cannot be called from inside a step{hint}")

    def _noted(self, name: str) -> tuple[bool, Json]:
        noted = self._ledger.noted.get(name)
        if noted is None:
            return False, None
        if noted.error is not None:
            error = noted.error
            raise ToolError(error.message, type=error.type, retryable=error.retryable)
        return True, noted.result

    def _inner(self, name: str) -> ToolContext:
        """The context of a call inside the step: what is durable about the step stays the step's own."""
        ctx = self._ctx
        return replace(
            ctx,
            step_key=f"{ctx.step_key}.{name}",
            idempotency_key=f"{ctx.idempotency_key}.{name}",
            variables={**ctx.variables, **self._variables},
            changed_variables={},
            ledger=None,
            toolbox=None,
        )

    def _transacted(self, tool: str, kwargs: JsonObject, inner: ToolContext) -> Callable[[Transaction], Json]:
        def work(transaction: Transaction) -> Json:
            answer = self._toolbox.call(tool, kwargs, replace(inner, transaction=transaction))
            if isinstance(answer, Request):
                raise ToolInputError(f"{tool} cannot wait inside a transaction")
            return answer

        return work


def _wait(tool: str, request: Request) -> Wait:
    if not isinstance(request, _WAITS):
        raise ToolInputError(f"{tool} cannot be called from inside a step: what it asks for belongs to the run")
    return request
