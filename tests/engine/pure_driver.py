"""Drives an `Execution` as a worker would, in memory: fake tools, simulated commits, and a crash wherever a test wants one.

A run here is the whole thing: its own task, the branches and activities it forks, its events and waits. Time does not pass: a timer is over
when nothing else can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any
from uuid import UUID

from engine.interpreter import Execution, Program, compile_program
from engine.language import read_definition
from engine.model import commands as c
from engine.model.errors import StepError
from engine.model.facts import Recorded, TaskInfo, ToolAsked, ToolFailed, ToolSucceeded, Waiting, WaitOver
from engine.model.requests import AwaitBranches, CancelBranches, RunChild, SleepFor

RUN_ID = UUID(int=7)
REQUESTS = (AwaitBranches, CancelBranches, RunChild, SleepFor)


class CrashError(Exception):
    """The simulated worker died."""


class ToolFault(Exception):  # noqa: N818
    """Raised by a fake tool to fail an attempt."""

    def __init__(self, message: str = "boom", *, retryable: bool = True, kind: str = "tool") -> None:
        super().__init__(message)
        self.error = StepError(kind, message, "ToolFault", retryable)


@dataclass
class Call:
    scope: str
    key: str
    tool: str
    args: list[Any]
    kwargs: dict[str, Any]
    attempt: int
    command: c.CallTool


@dataclass
class TaskRow:
    key: str
    kind: str
    program: Program
    context: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    completion_event: str | None = None
    records: dict[str, c.Record] = field(default_factory=dict)
    waits: dict[str, tuple[Waiting, c.Command]] = field(default_factory=dict)
    given: dict[str, dict[str, Any]] = field(default_factory=dict)  # what waits for messages have got
    told: set[str] = field(default_factory=set)  # of those, what the execution has heard of
    finish: c.Finish | None = None
    execution: Execution | None = None


Tool = Callable[[Call], Any]


class PureRun:
    """One workflow run in memory. ``tools`` maps a tool's name to a function of a `Call`; unknown tools echo their arguments."""

    def __init__(
        self, definition: dict[str, Any], tools: dict[str, Tool] | None = None, inputs: dict[str, Any] | None = None
    ) -> None:
        self.program = compile_program(read_definition(definition))
        self.tools = tools or {}
        self.inputs = inputs or {}
        self.tasks: dict[str, TaskRow] = {"": TaskRow("", "workflow", self.program)}
        self.events: dict[str, Any] = {}
        self.inbox: dict[str, list[dict[str, Any]]] = {}
        self.sent = 0
        self.children: list[c.StartChild] = []
        self.child_results: dict[str, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.commands: list[tuple[str, c.Command]] = []
        self.crash_after: int | None = None  # number of commits after which the worker dies once
        self.crashes: Iterator[bool] = repeat(False)  # whether it dies after each commit
        self.commits = 0

    # -- reading the end

    @property
    def finish(self) -> c.Finish:
        finish = self.tasks[""].finish
        assert finish is not None, "the run is not over"
        return finish

    def outcome(self, key: str, scope: str = "") -> str:
        return self.tasks[scope].records[key].outcome

    def outcomes(self, scope: str = "") -> dict[str, str]:
        return {key: record.outcome for key, record in self.tasks[scope].records.items()}

    def result(self, key: str, scope: str = "") -> Any:
        return self.tasks[scope].records[key].result

    def record(self, key: str, scope: str = "") -> c.Record:
        return self.tasks[scope].records[key]

    def called(self) -> list[str]:
        return [f"{call.scope}:{call.key}" if call.scope else call.key for call in self.calls]

    def send(self, name: str, payload: Any) -> None:
        """A signal from outside."""
        self.sent += 1
        message = {"seq": self.sent, "name": name, "sent_by": "ann", "payload": payload}
        self.inbox.setdefault(name, []).append(message)

    # -- running

    def run(self) -> PureRun:
        """To the end, surviving the crash that was asked for."""
        for _ in range(10_000):
            try:
                if not self._round():
                    break
            except CrashError:
                for task in self.tasks.values():
                    task.execution = None
        assert self.tasks[""].finish is not None, f"stuck: {[(t.key, list(t.waits)) for t in self.tasks.values()]}"
        return self

    def _round(self) -> bool:
        """Let every task go as far as it can; then, if nothing moved, let a timer pass. False when the run is over."""
        if self.tasks[""].finish is not None:
            return False
        moved = False
        for task in list(self.tasks.values()):
            if task.finish is None and self._step_task(task):
                moved = True
        return moved or self._pass_time()

    def _step_task(self, task: TaskRow) -> bool:
        execution = task.execution
        if execution is None:
            execution = task.execution = self._enter(task)
        moved = False
        while task.finish is None:
            found = execution.advance()
            if not found:
                break
            moved = True
            calls, gated = self._commit(task, found)
            for key in gated:
                execution.durable(key)
            for call in calls:
                self._call(task, execution, call)
        return self._deliver(task, execution) or moved

    def _enter(self, task: TaskRow) -> Execution:
        info = TaskInfo(
            UUID(int=1), RUN_ID, task.key, dict(self.inputs), dict(task.context), dict(task.variables), "2026-01-31"
        )
        recorded = [Recorded(r.key, r.operator, r.outcome, r.result, r.error) for r in task.records.values()]
        waits = [replace(wait, over=wait.over or key in task.given) for key, (wait, _) in task.waits.items()]
        execution = Execution(task.program, info, recorded, waits)
        task.told = set(task.given)
        for wait in waits:
            if wait.over:
                execution.settle(WaitOver(wait.key, payload=task.given.get(wait.key)))
        return execution

    def _commit(self, task: TaskRow, found: list[c.Command]) -> tuple[list[c.CallTool], list[str]]:
        calls: list[c.CallTool] = []
        gated: list[str] = []
        for command in found:
            self.commands.append((task.key, command))
            if isinstance(command, c.CallTool):
                calls.append(command)
            elif isinstance(command, c.Record):
                assert command.key not in task.records, f"{command.key} recorded twice"
                task.records[command.key] = command
                task.variables.update(command.variables)
                self._forget_wait(task, command.key)
                if command.gate:
                    gated.append(command.key)
            else:
                self._carry_out(task, command)
        self.commits += 1
        once = self.crash_after is not None and self.commits >= self.crash_after
        if next(self.crashes) or once:
            self.crash_after = None
            raise CrashError
        return calls, gated

    def _carry_out(self, task: TaskRow, command: c.Command) -> None:
        if isinstance(command, c.Fork):
            for new in command.tasks:
                assert new.key not in self.tasks, f"{new.key} forked twice"
                self.tasks[new.key] = TaskRow(
                    new.key, new.kind, self.program.at(new.path), new.context, dict(new.variables), new.completion_event
                )
        elif isinstance(command, c.Emit):
            self.events.setdefault(command.event_name, command.payload)
        elif isinstance(command, c.CancelTasks):
            for key in command.task_keys:
                if key in self.tasks and self.tasks[key].finish is None:
                    self._finish(self.tasks[key], c.Finish("cancelled"))
        elif isinstance(command, c.StartChild):
            self.children.append(command)
        elif isinstance(command, c.Finish):
            self._finish(task, command)
        elif isinstance(command, c.EndListening):
            self._end_listening(task, command)
        else:
            kinds = {
                c.StartTimer: "timer",
                c.Retry: "retry",
                c.AwaitEvent: "event",
                c.AwaitTasks: "tasks",
                c.AwaitMessage: "signal",
            }
            before = task.waits.get(command.key)
            assert before is None or before[0].over or command.key in task.told, f"{command.key} waits twice"
            self._forget_wait(task, command.key)
            waiting = Waiting(
                command.key,
                kinds[type(command)],
                getattr(command, "attempt", 0),
                request=getattr(command, "request", {}),
            )
            task.waits[command.key] = (waiting, command)

    def _end_listening(self, task: TaskRow, command: c.EndListening) -> None:
        if not command.if_quiet:
            self._forget_wait(task, command.key)
            return
        _, listening = task.waits[command.key]
        assert isinstance(listening, c.AwaitMessage)
        self._hand_out(task, listening)
        task.given.setdefault(command.key, {"closed": True})

    def _hand_out(self, task: TaskRow, listening: c.AwaitMessage) -> None:
        if listening.key not in task.given and self.inbox.get(listening.name):
            task.given[listening.key] = self.inbox[listening.name].pop(0)

    @staticmethod
    def _forget_wait(task: TaskRow, key: str) -> None:
        task.waits.pop(key, None)
        task.given.pop(key, None)
        task.told.discard(key)

    def _finish(self, task: TaskRow, finish: c.Finish) -> None:
        task.finish = finish
        if task.completion_event:
            self.events.setdefault(task.completion_event, {"status": finish.outcome, "result": finish.result})

    def _call(self, task: TaskRow, execution: Execution, command: c.CallTool) -> None:
        call = Call(task.key, command.key, command.tool, command.args, command.kwargs, command.attempt, command)
        self.calls.append(call)
        tool = self.tools.get(command.tool, lambda made: {"args": made.args, "kwargs": made.kwargs})
        try:
            answer = tool(call)
        except ToolFault as fault:
            execution.settle(ToolFailed(command.key, fault.error))
            return
        if isinstance(answer, REQUESTS):
            execution.settle(ToolAsked(command.key, answer))
        elif isinstance(answer, ToolSucceeded):
            execution.settle(answer)
        else:
            execution.settle(ToolSucceeded(command.key, answer))

    def _deliver(self, task: TaskRow, execution: Execution) -> bool:
        """End the waits of this task that are over."""
        moved = False
        for key, (_, command) in list(task.waits.items()):
            over: WaitOver | None = None
            if isinstance(command, c.AwaitMessage):
                moved = self._tell(task, execution, command) or moved
            elif isinstance(command, c.AwaitEvent) and command.event_name in self.events:
                over = WaitOver(key, payload=self.events[command.event_name])
            elif isinstance(command, c.AwaitTasks):
                over = self._tasks_over(command)
            if over is not None and task.finish is None:
                task.waits.pop(key)
                execution.settle(over)
                moved = True
        return moved

    def _tell(self, task: TaskRow, execution: Execution, command: c.AwaitMessage) -> bool:
        """Its message stays with the wait until the task has written what it made of it."""
        self._hand_out(task, command)
        if command.key not in task.given or command.key in task.told or task.finish is not None:
            return False
        task.told.add(command.key)
        execution.settle(WaitOver(command.key, payload=task.given[command.key]))
        return True

    def _tasks_over(self, command: c.AwaitTasks, *, timed_out: bool = False) -> WaitOver | None:
        payload = {key: self._status(key) for key in command.task_keys}
        final = sum(1 for each in payload.values() if each["status"] in {"completed", "failed", "cancelled"})
        needed = len(payload) if command.needed is None else command.needed
        return WaitOver(command.key, timed_out, payload) if final >= needed or timed_out else None

    def _status(self, key: str) -> dict[str, Any]:
        if key in self.child_results:
            return self.child_results[key]
        finish = self.tasks[key].finish
        if finish is None:
            return {"status": "running", "result": None, "error": None}
        error = finish.error.to_json() if finish.error else None
        return {"status": finish.outcome, "result": finish.result, "error": error}

    def _pass_time(self) -> bool:
        """The first retry or timer ends; failing that, the first wait that has a time limit runs into it."""
        for kinds in ((c.Retry, c.StartTimer), (c.AwaitEvent, c.AwaitTasks)):
            for task in self.tasks.values():
                for key, (wait, command) in list(task.waits.items()):
                    elapses = task.finish is None and not wait.over and isinstance(command, kinds)
                    if elapses and self._elapse(task, key, command):
                        return True
        return False

    def _elapse(self, task: TaskRow, key: str, command: c.Command) -> bool:
        if isinstance(command, (c.AwaitEvent, c.AwaitTasks)) and command.timeout_seconds is None:
            return False
        over = WaitOver(key, isinstance(command, (c.AwaitEvent, c.AwaitTasks)))
        if isinstance(command, c.AwaitTasks):
            over = self._tasks_over(command, timed_out=True) or over
        if task.execution is None:
            task.execution = self._enter(task)
        if isinstance(command, c.Retry):  # its row counts the attempts: it stays until the step is recorded
            task.waits[key] = (replace(task.waits[key][0], over=True), command)
        else:
            task.waits.pop(key)
        task.execution.settle(over)
        return True


def wait_tool(call: Call) -> AwaitBranches:
    """tools.workflow.wait_for_parallel_branches, as the real one asks."""
    return AwaitBranches(dict(call.args[0]["branches"]), timeout_seconds=call.kwargs.get("timeout_seconds"))
