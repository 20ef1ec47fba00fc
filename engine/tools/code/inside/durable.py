"""Runs in the sandbox: calls the function of a step with a context whose every effect is durable before the code goes on.

After a wait, a retry or the death of a worker the function is called again from its first line. What it did before is told in `noted` and not
done again, so its calls of the context must come in the same order under the same names; what lies between them should not depend on the
time, on chance or on files.
"""

from __future__ import annotations

import json
import os
import random
import sys
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from engine.tools.code.inside.blocks import Compensated, Lock, Saga, StepFailed, Transaction, VariableConflict
from engine.tools.code.inside.functions import called_function, raised, stopped


class Context:
    """What durable code may do. Every name is this step's own; one that comes again (in a loop) is counted: ``name``, ``name#2``, ..."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._reader = os.fdopen(int(os.environ["HIGHWAY_CHANNEL"]), "rb", closefd=False)
        self._noted: dict[str, Any] = told["noted"]
        self._replaying = len(self._noted)
        self._seen: dict[str, int] = {}
        self._random = random.Random(told["seed"])  # noqa: S311 - to be repeatable is its purpose
        self.run_id: str = told["run_id"]
        self.attempt: int = told["attempt"]
        self.last_details: Any = told["last_details"]

    def step(self, name: str, do: Callable[..., Any], *args: Any, retries: int = 0, delay: float = 1.0) -> Any:
        """Call ``do(*args)`` and keep what it returns; it is not called again. After ``retries`` more attempts, ``delay`` seconds apart,
        it has failed: then this raises `StepFailed`."""
        name = self._unique(name)
        if name in self._noted:
            return self._replayed(name, "step")
        for attempt in range(retries + 1):
            if attempt:
                self.sleep(delay, name=f"{name} pause")
            try:
                result = do(*args)
            except Exception as error:  # noqa: BLE001 - whatever it raises is its failure
                if attempt == retries:
                    return self._tell("step", name, error={"type": type(error).__name__, "message": str(error)})
            else:
                return self._tell("step", name, result=result)
        return None

    def step_with_compensation(self, name: str, do: Callable[..., Any], undo: Callable[..., Any], *args: Any) -> Any:
        """A saga of one step's breadth: when ``do`` fails, ``undo`` is called with the same arguments, and the step fails for good."""
        try:
            return self.step(name, do, *args)
        except StepFailed as error:
            self.step(f"{name} undo", undo, *args)
            raise Compensated(error.message) from error

    def saga(self, name: str = "saga") -> Saga:
        """A block of steps that are undone when one of them fails: ``with ctx.saga() as saga: saga.step(...)``."""
        return Saga(self, name)

    def transaction(self, name: str) -> Transaction:
        """A block of changes to the database that commit together: ``with ctx.transaction("count") as tx: tx.counter_add("orders")``."""
        return Transaction(self, self._unique(name))

    def lock(self, lock: str, timeout: float | None = None) -> Lock:
        """Hold a lock of this tenant for a block, also over its waits: ``with ctx.lock("door") as lock: ... lock.fencing ...``. Whoever comes later
        waits in line and holds nothing meanwhile; `StepFailed` of type LockTimeout when its turn did not come in time."""
        return Lock(self, self._unique(f"lock {lock}"), lock, timeout)

    def sleep(self, seconds: float, name: str = "sleep") -> None:
        """Sleep durably; nothing runs meanwhile."""
        self._ask("sleep", self._unique(name), seconds=seconds)

    def sleep_until(self, at: str, name: str = "sleep") -> None:
        """Sleep durably until a time (ISO 8601 with zone), by the database's clock."""
        self._ask("sleep_until", self._unique(name), until=str(at))

    def wait_for_event(self, event: str, timeout: float | None = None) -> Any:
        """Wait for an event of this run and give its payload; `StepFailed` of type EventTimeout when it did not come in time."""
        return self._ask("wait_for_event", self._unique(f"event {event}"), event=event, timeout=timeout)

    def check_event(self, event: str) -> tuple[bool, Any]:
        """Whether an event was emitted by now, and its payload."""
        try:
            return True, self._ask("wait_for_event", self._unique(f"check {event}"), event=event, timeout=0)
        except StepFailed as error:
            if error.type != "EventTimeout":
                raise
            return False, None

    def signal(self, signal: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the next signal of a name, each once and in order: ``{"name", "payload", "sent_by", "at"}``."""
        taken = self._ask("signal", self._unique(f"signal {signal}"), signal=signal, timeout=timeout)
        return dict(taken)

    def update(self, update: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the next update of a name; whoever sent it waits for `reply`: ``{"update_id", "name", "payload", ...}``."""
        taken = self._ask("update", self._unique(f"update {update}"), update=update, timeout=timeout)
        return dict(taken)

    def reply(self, update: dict[str, Any], result: Any = None) -> None:
        """Answer an update that was taken."""
        self._ask("reply", self._unique("reply"), update_id=update["update_id"], result=result)

    def emit_event(self, event: str, payload: Any = None) -> None:
        """Emit an event of this run; the first of a name wins."""
        self._ask("emit_event", self._unique(f"emit {event}"), event=event, payload=payload)

    def get_variable(self, variable: str, default: Any = None, *, versioned: bool = False) -> Any:
        """A variable of this run (or branch) as it was when the code first asked; ``versioned``: ``(value, version)``, version 0 was never set."""
        name = self._unique(f"get {variable}")
        found = self._ask("get_variable", name, variable=variable, default=default, versioned=versioned)
        return (found["value"], found["version"]) if versioned else found

    def set_variable(self, variable: str, value: Any, expected_version: int | None = None) -> int | None:
        """Set a variable of this run (or branch). With the version that was read, only if nobody has set it since, else `VariableConflict`; its
        new version."""
        name = self._unique(f"set {variable}")
        try:
            version = self._ask("set_variable", name, variable=variable, value=value, expected_version=expected_version)
        except StepFailed as error:
            if error.type != "VariableConflict":
                raise
            raise VariableConflict(variable, error.message) from None
        return None if version is None else int(version)

    def now(self) -> str:
        """The database's time when the code first asked, in ISO 8601."""
        return str(self._ask("now", self._unique("now")))

    def random(self) -> float:
        """The next of this step's own random numbers in [0, 1): the same when the code runs again."""
        return self._random.random()

    def uuid4(self) -> str:
        """The next of this step's own random identifiers: the same when the code runs again."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def child(self, workflow: str, inputs: dict[str, Any] | None = None, timeout: float | None = None) -> Any:
        """Run a workflow as a child and wait for it: ``{"workflow_run_id", "status", "result"}``."""
        name = self._unique(f"child {workflow}")
        return self._ask("child", name, workflow=workflow, inputs=inputs or {}, timeout=timeout)

    def spawn(self, workflow: str, inputs: dict[str, Any] | None = None) -> str:
        """Start a workflow as a child and go on; what is given back is for `gather` and `first_of`."""
        return str(self._ask("spawn", self._unique(f"spawn {workflow}"), workflow=workflow, inputs=inputs or {}))

    def gather(self, *spawned: str, timeout: float | None = None) -> list[Any]:
        """Wait for all of the spawned children: their ``{"status", "result", "error"}`` in order. One that failed fails this."""
        found = self._ask("gather", self._unique("gather"), spawned=list(spawned), timeout=timeout)
        return [found[handle] for handle in spawned]

    def first_of(self, *spawned: str, timeout: float | None = None) -> tuple[str, Any]:
        """Wait for the first of the spawned children to end: which, and its ``{"status", "result", "error"}``. The others go on."""
        found = self._ask("first_of", self._unique("first of"), spawned=list(spawned), timeout=timeout)
        ended = [
            handle for handle in spawned if found[handle]["status"] not in ("pending", "running", "sleeping", "paused")
        ]
        return ended[0], found[ended[0]]

    def log(self, message: str, level: str = "info") -> None:
        """Write a line to the run's log; not again when the code runs again."""
        if not self._replaying:
            self._talk({"ask": "log", "message": str(message), "level": level})

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell people how far the code is."""
        self.log(f"{done}/{total} {message}".strip())

    def heartbeat(self, details: Any = None) -> bool:
        """Say that work goes on, and where it stands: in an activity the next attempt finds that in ``ctx.last_details``. Is the result still wanted?"""
        return bool(_opened(self._talk({"ask": "heartbeat", "details": details})))

    def continue_as_new(self, inputs: dict[str, Any]) -> NoReturn:
        """End this run as completed and start it anew with other inputs, in one transaction: a loop of months without a history that grows.

        Never comes back, and undoes no saga: what stands behind it, also in a ``finally``, is not executed."""
        _opened(self._talk({"ask": "continue_as_new", "inputs": inputs}))
        raise SystemExit("the run could not be continued")

    def _unique(self, name: str) -> str:
        count = self._seen[name] = self._seen.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"

    def _ask(self, method: str, name: str, **given: Any) -> Any:
        if name in self._noted:
            return self._replayed(name, method)
        return self._tell(method, name, **given)

    def _tell(self, method: str, name: str, **given: Any) -> Any:
        self._replaying = 0
        return _opened(self._talk({"ask": method, "name": name, **given}))

    def _replayed(self, name: str, method: str) -> Any:
        self._replaying = max(0, self._replaying - 1)
        told = self._noted[name]
        if told["method"] not in (method, ""):
            message = f"{name!r} is a {method} now and was a {told['method']} when the code ran before"
            raise SystemExit(json.dumps({"type": "Divergence", "message": message}))
        return _opened(told)

    def _talk(self, request: dict[str, Any]) -> dict[str, Any]:
        line = json.dumps(request, allow_nan=False).encode() + b"\n"
        while line:
            line = line[os.write(self._reader.fileno(), line) :]
        answer: dict[str, Any] = json.loads(self._reader.readline())
        return answer


def _opened(told: dict[str, Any]) -> Any:
    if told.get("error"):
        raise StepFailed(told["error"]["type"], told["error"]["message"])
    return told.get("result")


def main() -> None:
    """Call the function and report; the report is the last thing that is told."""
    with open("/job/told", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        told = json.load(file)
    context = Context(told)
    try:
        report = {"ask": "return", "result": called_function(told)(context, *told["args"], **told["inputs"])}
        json.dumps(report, allow_nan=False)
    except SystemExit as end:
        report = {"ask": "raise", "error": stopped(end)}
    except BaseException as error:  # noqa: BLE001 - whatever the code raises is its author's to read
        report = {"ask": "raise", "error": raised(error)}
    sys.stdout.flush()
    context._talk(report)


if __name__ == "__main__":
    main()
