"""What the code of a step has done so far, and the checkpoints that this makes: ``<step key>.<name>``.

A failure is noted under the attempt as well (``<step key>.<name>@<attempt>``): the next attempt tries what failed again, and nothing else but locks.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from engine.model.commands import AnswerUpdate, ChangeLock, Command, Emit, Record, StartChild
from engine.model.facts import Recorded, StepOutcome
from engine.model.notes import OF_ONE_ATTEMPT, Note, child_key
from engine.model.requests import RunChild
from engine.operators.kit.awaiting import EXCUSED_SUFFIX
from engine.operators.kit.base import At, Done, Effect, Failed


class Notes:
    """The notes of one step, by name."""

    __slots__ = ("_at", "_recorded")

    def __init__(self, at: At) -> None:
        self._at = at
        self._recorded = dict(at.noted)

    def of(self, attempt: int) -> dict[str, Recorded]:
        """What this attempt need not do again, by name."""
        suffix = f"@{attempt}"
        found = {name: step for name, step in self._recorded.items() if not _is_of_attempt(step.operator, step.outcome)}
        for name, step in self._recorded.items():
            if _is_of_attempt(step.operator, step.outcome) and name.endswith(suffix):
                found[name.removesuffix(suffix)] = step
        return found

    def let_go(self) -> list[ChangeLock]:
        """What gives the locks back that the code has taken and could not let go of: it was stopped, or died, inside their blocks."""
        held: dict[str, str] = {}
        for name, step in self._recorded.items():
            taken = name.partition("@")[0]
            if step.operator == "code.unlock":
                held.pop(taken.removeprefix("un"), None)
            elif step.operator == "code.lock" and step.outcome == "succeeded" and isinstance(step.result, dict):
                held[taken] = str(step.result["name"])
        return [ChangeLock(f"{self._at.key}.{taken}", lock, "left") for taken, lock in held.items()]

    def place(self, name: str) -> At:
        """Where a wait of the code stands: what it starts and excuses is named after it."""
        return replace(self._at, key=f"{self._at.key}.{name}", emit=self._emit)

    def _emit(self, command: Command) -> None:
        """A command of a wait. The end of a wait may be heard twice (the worker died in between), and each attempt may make the same wait:
        what tasks it answers for is recorded once, and under another name when they are others than before.
        """
        if not isinstance(command, Record):
            self._at.emit(command)
            return
        for number in count(1):
            key = command.key if number == 1 else command.key.replace(EXCUSED_SUFFIX, f"@{number}{EXCUSED_SUFFIX}")
            name = key.removeprefix(f"{self._at.key}.")
            known = self._recorded.get(name)
            if known is None:
                self._recorded[name] = Recorded(key, command.operator, command.outcome, command.result)
                self._at.emit(replace(command, key=key))
                return
            if known.result == command.result:
                return

    def take(self, note: Note, attempt: int) -> tuple[Command, ...]:
        """The checkpoint of a note, and what takes effect with it."""
        key = self._at.key
        recorded = self._record(note, attempt)
        commands: list[Command] = [] if note.committed else [recorded]
        commands += [Emit(key, name, payload) for name, payload in note.events]
        commands += [AnswerUpdate(key, update_id, result) for update_id, result in note.replies]
        if note.lets_go is not None:
            taken, lock = note.lets_go
            commands.append(ChangeLock(f"{key}.{taken}", lock, "left"))
        if note.child is not None:
            commands.append(self._start(note.child, note.name))
        self._at.variables.update(note.variables)
        return tuple(commands)

    def answered(self, method: str, name: str, effect: Effect, attempt: int) -> tuple[Command, ...]:
        """The checkpoint of a wait that is over; none when it was made before the worker died."""
        if name in self.of(attempt):
            return ()
        error = effect.error if isinstance(effect, Failed) else None
        result = effect.result if isinstance(effect, Done) else None
        then = effect.then if isinstance(effect, Done) else ()
        return (self._record(Note(method, name, result, error), attempt), *then)

    def _record(self, note: Note, attempt: int) -> Record:
        outcome: StepOutcome = "succeeded" if note.error is None else "failed"
        name = f"{note.name}@{attempt}" if _is_of_attempt(note.operator, outcome) else note.name
        key = f"{self._at.key}.{name}"
        self._recorded[name] = Recorded(key, note.operator, outcome, note.result, note.error)
        return Record(
            key,
            note.operator,
            outcome,
            note.result,
            note.error,
            attempt=attempt,
            variables=note.variables,
            seconds=note.seconds,
        )

    def _start(self, child: RunChild, name: str) -> StartChild:
        return StartChild(
            self._at.key,
            child_key(self._at.qualified_key, name),
            child.inputs or {},
            workflow_name=child.workflow_name,
            definition_id=child.definition_id,
            definition_hash=child.definition_hash,
        )


def _is_of_attempt(operator: str, outcome: StepOutcome) -> bool:
    return outcome != "succeeded" or operator in OF_ONE_ATTEMPT
