"""A loop that takes more items while it is open, by a signal of the run.

It listens from its beginning. What a signal brings is recorded as ``<loop>[]@<n>`` in the commit that listens for the next one, so each is taken once
and its items keep their places for ever. When all items have ended the loop closes: one statement ends its wait unless a signal has come by then, so
a signal is either taken by the loop or stays in the inbox. A loop that is kept open closes when a signal says that there are no more.

When a round fails, none begins after it; signals are taken all the same, for the loop goes on behind the failure when the run is restarted.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from engine.language.adding import read_added
from engine.language.expressions import EvaluationError
from engine.model.commands import AwaitMessage, Command, EndListening, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, Waiting, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.foreach.items import Items, round_of
from engine.operators.kit.base import Asked, At, Done, Effect, Failed, GivenUp, Round, RoundEnd, Rounds, Step

REFUSED = "refused"  # the note of a signal that brought no items


class Growth(NamedTuple):
    """By which signal the loop grows, and whether it waits for more when all items have ended."""

    signal: str
    keeps_open: bool


class GrowingStep(Step):
    """``is_due``: a signal has come already, and is heard of next. ``is_open``: more may come."""

    __slots__ = (
        "added",
        "begun",
        "ended",
        "failure",
        "growth",
        "is_due",
        "is_open",
        "is_parallel",
        "items",
        "results",
        "source",
    )

    def __init__(self, at: At, source: Items, growth: Growth, *, is_parallel: bool) -> None:
        super().__init__(at)
        self.source = source
        self.growth = growth
        self.is_parallel = is_parallel
        self.items: list[Json] = []
        self.results: list[Json] = []
        self.added = self.begun = self.ended = 0
        self.failure: Failed | None = None
        self.is_open = True
        self.is_due = False

    def begin(self) -> Effect:
        self._restore()
        return self._go_on(*self._listen())

    def resume(self, waiting: Waiting) -> Effect:
        self._restore()
        self.is_due = waiting.over
        return self._go_on()

    def settle(self, fact: Fact) -> Effect:
        if not isinstance(fact, WaitOver):
            return super().settle(fact)
        self.is_due = False
        heard = cast(JsonObject, fact.payload)
        if heard.get("closed"):
            self.is_open = self._is_at_work
            return self._go_on(*self._listen())
        return self._go_on(*self._take(heard))

    def round_over(self, end: RoundEnd) -> Effect:
        self.ended += 1
        self.results[end.index] = end.result
        if end.error is not None and self.failure is None:
            self.failure = Failed(end.error, cause=end.cause)
        return self._go_on()

    def give_up(self) -> Effect | None:
        return None if self._is_at_work else GivenUp()

    @property
    def _is_at_work(self) -> bool:
        return self.begun > self.ended

    def _go_on(self, *commands: Command) -> Effect:
        rounds = self._next_rounds()
        if self._is_at_work:
            return Rounds(rounds, Asked(commands))
        if not self.is_open:  # the end of the step ends its wait
            return self.failure or Done({"count": len(self.items), "results": list(self.results)})
        if self.is_due or (self.growth.keeps_open and self.failure is None):
            return Asked(commands)
        return Asked((*commands, EndListening(self.at.key, if_quiet=True)))

    def _next_rounds(self) -> tuple[Round, ...]:
        if self.failure is not None or (self._is_at_work and not self.is_parallel):
            return ()
        end = len(self.items) if self.is_parallel else min(self.begun + 1, len(self.items))
        rounds = tuple(round_of(self.items, index) for index in range(self.begun, end))
        self.begun = end
        return rounds

    def _restore(self) -> None:
        """What is recorded: the items of the beginning, then those of each signal in turn."""
        self._append(self.source.decided(self.at), is_last=False)
        while (recorded := self.at.recorded.get(self._addition_key())) is not None:
            self.added += 1
            brought = cast(JsonObject, recorded.result)
            self._append(cast(list[Json], brought["items"]), is_last=bool(brought["done"]))
        refused = self.at.noted.get(REFUSED)
        if refused is not None and refused.error is not None:
            self.failure = Failed(refused.error)
            self.is_open = False

    def _append(self, items: list[Json], *, is_last: bool) -> None:
        self.items = [*self.items, *items]
        self.results += [None] * len(items)
        self.is_open = self.is_open and not is_last

    def _addition_key(self) -> str:
        return f"{self.at.key}[]@{self.added + 1}"

    def _listen(self) -> tuple[Command, ...]:
        return (AwaitMessage(self.at.key, "signal", self.growth.signal),) if self.is_open else ()

    def _take(self, message: JsonObject) -> tuple[Command, ...]:
        """Record what a signal brought, and listen for the next in the same commit; or no more."""
        try:
            items, is_last = read_added(message.get("payload"))
            self.source.check(len(self.items) + len(items))
        except (ValueError, EvaluationError) as error:
            return self._refuse(message, str(error))
        taken: JsonObject = {name: message.get(name) for name in ("name", "seq", "sent_by")}
        brought: JsonObject = {"items": items, "done": is_last}
        self.at.emit(Record(self._addition_key(), "foreach", "succeeded", brought, input=taken))
        self.added += 1
        self._append(items, is_last=is_last)
        return self._listen() or (EndListening(self.at.key),)

    def _refuse(self, message: JsonObject, why: str) -> tuple[Command, ...]:
        """A signal that the door did not check fails the loop when what is under way has ended."""
        said = f"signal {message['seq']} '{self.growth.signal}' by '{message.get('sent_by', '')}': {why}"
        error = StepError("input", said, "BadItems", retryable=False)
        self.at.emit(Record(f"{self.at.key}.{REFUSED}", "foreach", "failed", error=error))
        self.failure = self.failure or Failed(error)
        self.is_open = False
        return (EndListening(self.at.key),)
