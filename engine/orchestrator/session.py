"""A claimed task being executed: facts go into the pure core, its commands come out as writes and as tool calls.

One session lives from a claim to an exit. It holds no connection and starts nothing by itself: the worker's loop takes `writes` into the next
group commit, and starts `calls` only when what stands before them is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from engine.durable.tool_context import LogLine
from engine.interpreter import Execution, Undoing
from engine.kit.ids import uuid7
from engine.kit.json_text import storable
from engine.model.activity import ActivityPast
from engine.model.children import no_child
from engine.model.commands import (
    MOST_AT_ONCE,
    AskPerson,
    AwaitLock,
    AwaitSlots,
    CallTool,
    Command,
    Finish,
    Fork,
    Record,
    Retry,
    StartChild,
)
from engine.model.facts import Fact, ToolFailed, ToolNoted, ToolSucceeded, WaitOver
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.orchestrator.fault_places import reach_command, reach_committed
from engine.orchestrator.waits import Waits, failed_attempt, wait_write, would_come_again
from engine.queue.commit import CommitResult
from engine.queue.writes import (
    CallWrite,
    Collected,
    Finished,
    ForkWrite,
    HandedBack,
    JournalWrite,
    RecordWrite,
    Suspended,
    TaskWrites,
)

MAX_REASON = 500  # characters of why a run pauses


@dataclass(slots=True)
class Session:
    """One task in execution. ``running``: steps whose calls are out; ``pausing``: no more are started; ``past``: earlier attempts of an activity."""

    task: ClaimedTask
    execution: Execution | Undoing | None  # None: the task ends without being executed
    writes: TaskWrites
    variables: JsonObject
    past: ActivityPast = field(default_factory=ActivityPast)
    calls: list[CallTool] = field(default_factory=list)
    running: dict[str, CallTool] = field(default_factory=dict)
    waits: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    listeners: list[Callable[[bool], None]] = field(default_factory=list)  # told once, with the next commit
    pausing: bool = False
    moved: bool = False  # a step has ended since the claim
    always_suspend: bool = False  # give the task back after each such step
    limited: set[str] = field(default_factory=set)  # steps that hold slots or stand in line for them
    certain: set[str] = field(default_factory=set)  # waits whose end anybody would be told of alike
    holds_back: bool = False  # something is collected that must be durable before a call starts
    goes_on: bool = False  # the core has more to say when this is committed: others' commits wait beside it

    def advance(self) -> None:
        """Let the core go on as far as it can, or as one commit may bear; collect what it wants. After an exit there is nothing more to do."""
        if self.writes.exit or self.execution is None or (self.goes_on and self.writes):
            return
        self.goes_on = False
        while commands := self.execution.advance():
            for command in commands:
                self._take(command, self.execution)
            if self.writes.bulk >= MOST_AT_ONCE and not self.writes.exit:
                self.goes_on = True
                return
        busy = self.writes.exit or self.running or self.writes.children or self.writes.slots
        if not self.writes.exit and self.is_idle:
            # Calls that the pause has kept from starting are asked for again by whoever takes the task up: it may be claimed at once then.
            self.writes.exit = HandedBack() if self.calls else Suspended()
        elif self.always_suspend and self.moved and not busy:
            self.hand_back(0.0)  # between two steps: what re-entry forgets is seen then

    @property
    def is_idle(self) -> bool:
        """Nothing runs and nothing is about to: only waits are open, or a pause keeps what is next from starting."""
        begins = self.calls and not self.pausing
        return not (self.running or begins or self.writes.children or self.writes.slots)

    def settle(self, fact: Fact, seconds: float = 0.0, guarded: CallWrite | None = None) -> None:
        """Something came in. A fact for a step that is not open any more is ignored. ``guarded`` is what a circuit breaker is to hear of a call."""
        if self.execution is None:
            return
        if isinstance(fact, WaitOver):
            if fact.key not in self.waits or fact.key in self.over:
                return
            self.over.add(fact.key)
            self.certain |= {fact.key} if fact.certain else set()
            self.writes.lapsed += [fact.key] if fact.gives_back else []
        else:
            if fact.key not in self.running:
                return
            del self.running[fact.key]
            if guarded:
                self.writes.calls.append(guarded)
            self.seconds[fact.key] = self.seconds.get(fact.key, 0.0) + seconds
            if isinstance(fact, ToolSucceeded) and fact.durable:
                self._ended(fact.key, fact.variables)
        self.execution.settle(fact)

    def note(self, noted: ToolNoted, listener: Callable[[bool], None]) -> None:
        """Durable code did something; ``listener`` is told whether it is durable, once that is known."""
        self.listeners.append(listener)
        self.variables.update(noted.note.variables)
        if self.execution is not None:
            self.execution.settle(noted)

    def tell_listeners(self, durable: bool) -> None:
        """What was collected is durable, or never will be."""
        if self.listeners:
            told, self.listeners = self.listeners, []
            for listener in told:
                listener(durable)

    def awaits(self, key: str, attempt: int) -> bool:
        """Whether this attempt of the step is under way; one that was given up may still come back when the next one runs."""
        return key in self.running and self.running[key].attempt == attempt

    def journal(self, kind: str, key: str, data: JsonObject) -> None:
        """Note a fact for people; it goes with the next commit."""
        self.writes.journal.append(JournalWrite(kind, key, data))

    def log(self, key: str, lines: Iterable[LogLine]) -> None:
        """What a step's tool wrote to the run's log."""
        for line in lines:
            said: JsonObject = {"level": line.level, "message": line.message}
            self.journal("log", key, storable(said | ({"data": line.data} if line.data else {})))

    def start_calls(self) -> list[CallTool]:
        """The tool calls that may start now; from here on they are running. None while the task is pausing."""
        if self.pausing:
            return []
        started, self.calls = self.calls, []
        self.running.update((call.key, call) for call in started)
        return started

    def stop(self, finished: Finished) -> None:
        """End now, whatever is under way; what the core still wants is not done, and late results are ignored."""
        self.tell_listeners(False)
        self.calls.clear()
        self.running.clear()
        self.writes.exit = finished

    def pause(self, wanted: bool) -> bool:
        """Start no calls from here on, or start them again. Whether that changes anything; what is not written yet is written first."""
        if self.pausing == wanted or self.writes:
            return False
        self.pausing = wanted
        return True

    def hand_back(self, seconds: float) -> None:
        """Give the task back for somebody else, claimable after ``seconds``."""
        self.tell_listeners(False)
        self.calls.clear()
        self.writes.exit = HandedBack(seconds)

    def hear_answers(self, writes: TaskWrites, result: CommitResult) -> bool:
        """What the commit of these writes said about children and limits; whether it said anything, so that the task can go on."""
        for child in writes.children:
            where = (self.task.task_id, child.child_key)
            self._child_started(child, result.children.get(where), too_deep=where in result.too_deep)
        for ask in writes.slots:
            if (self.task.task_id, ask.key) in result.granted:
                self.settle(WaitOver(ask.key, payload={"granted": True}))
        return bool(writes.children or writes.slots)

    def _child_started(self, child: StartChild, run_id: UUID | None, *, too_deep: bool) -> None:
        """The child run that a step asked for exists now, or its definition does not."""
        if self.execution is None:
            return
        if run_id is None:
            self.execution.settle(ToolFailed(child.key, no_child(too_deep=too_deep)))
        elif not child.wait:
            self.execution.settle(WaitOver(child.key, payload={"workflow_run_id": str(run_id)}))

    def committed(self) -> None:
        """What was collected is durable; begin to collect anew."""
        reach_committed(self.writes)
        self.writes = TaskWrites(self.task)
        self.holds_back = False
        self.tell_listeners(True)

    def _take(self, command: Command, execution: Execution | Undoing) -> None:
        reach_command(self.task, command)
        self.holds_back = self.holds_back or not would_come_again(command, self.certain)
        if isinstance(command, Collected):
            self.writes.collect(command)
            return
        if isinstance(command, Waits):
            self._wait(command)
            return
        match command:
            case CallTool():
                self._call(command)
            case Record():
                self._record(command, execution)
            case Fork():
                self.writes.forks.extend(
                    ForkWrite(
                        uuid7(), new.key, new.kind, new.path, new.context, new.variables, new.completion_event, new.plan
                    )
                    for new in command.tasks
                )
            case StartChild():
                self.writes.children.append(command)
            case Finish():
                self._finish(command)
            case _:
                assert_never(command)

    def _call(self, call: CallTool) -> None:
        failed = self.past.failed
        if failed is None or failed.attempt != call.attempt:
            self.calls.append(call)
            return
        # This attempt was ended from outside in an earlier claim. The core hears of it as of any failure, and its policy decides; the number
        # of the attempt keeps it from being counted twice, however often the task is entered again.
        self.running[call.key] = call
        self.settle(ToolFailed(call.key, failed.error), failed.seconds)

    def _record(self, record: Record, execution: Execution | Undoing) -> None:
        # The core may go on at once: whatever it starts next is held back until this record is committed.
        if record.gate:
            execution.durable(record.key)
        waited = record.key in self.waits
        if waited:
            self.writes.ended_waits.append(record.key)
            self.writes.lapsed += (
                [] if record.key in self.over else [record.key]
            )  # given up: what it got, nobody has heard
            # A wait that begins and ends in one commit is never registered: the end of waits comes first there.
            self.writes.waits = [wait for wait in self.writes.waits if wait.key != record.key]
        seconds = self.seconds.pop(record.key, 0.0) if record.seconds is None else record.seconds
        self.writes.records.append(RecordWrite(record, seconds, waited))
        self._ended(record.key, record.variables)

    def _ended(self, key: str, variables: JsonObject) -> None:
        self.variables.update(variables)
        self._free_slots(key)
        self.waits.discard(key)
        self.over.discard(key)
        self.certain.discard(key)
        self.moved = True

    def _wait(self, command: Waits) -> None:
        self.waits.add(command.key)
        self.over.discard(command.key)
        self.writes.waits.append(wait_write(command))
        if isinstance(command, AwaitLock):
            self.writes.lock_requests.append(command)
        if isinstance(command, AwaitSlots):
            self.writes.slots.append(command)
            self.limited.add(command.key)
            return
        self._free_slots(command.key)  # its call is over: it waits for another attempt, or for what the tool asked for
        if isinstance(command, Retry):
            self.writes.journal.append(failed_attempt(command))
        elif isinstance(command, AskPerson):
            self._pause_for(command)

    def _free_slots(self, key: str) -> None:
        if key in self.limited:
            self.limited.discard(key)
            self.writes.freed.append(key)

    def _pause_for(self, asked: AskPerson) -> None:
        self.writes.journal.append(failed_attempt(asked))
        where = f"{self.task.key}/{asked.key}" if self.task.key else asked.key
        self.writes.pause_for = f"{where} failed and its attempts are spent: {asked.error.message}"[:MAX_REASON]
        self.pausing = True

    def _finish(self, finish: Finish) -> None:
        error: JsonObject | None = None
        if finish.error:
            scope = self.task.key if finish.failed_scope is None else finish.failed_scope
            error = finish.error.to_json() | {"step": finish.failed_key, "scope": scope}
        # A run that nobody waits for needs no result of its own: its steps' checkpoints are the result.
        result = finish.result if self.task.parent_task_id or self.task.kind != "workflow" else None
        self.writes.exit = Finished(finish.outcome, result, error, finish.continue_with)
