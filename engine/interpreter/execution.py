"""The resumable state machine of one task: facts in, commands out. Never reads a clock, a socket or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.interpreter import records
from engine.interpreter.board import Board
from engine.interpreter.closing import Closing, Verdict
from engine.interpreter.frame import PENDING, RUNNING, SUCCEEDED, TERMINATED, UPSTREAM_FAILED, Frame, NodeState
from engine.interpreter.names import LayeredNames, TaskNames
from engine.interpreter.program import Program
from engine.interpreter.readiness import decide
from engine.interpreter.restore import LoopNames, cause_of, notes_by_step
from engine.language.expressions import ExpressionError, UndefinedName
from engine.model.commands import MOST_AT_ONCE, Command, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, Recorded, TaskInfo, Waiting, WaitOver
from engine.model.json import JsonObject
from engine.operators.kit.base import Asked, At, Done, Effect, Ended, Failed, GivenUp, Rounds, Step
from engine.operators.kit.errors import template_error
from engine.operators.kit.guards import first_problem

STUCK = StepError("internal", "no task can go on and none is under way", "Stuck", retryable=False)


class Execution:
    """One task being executed, from nothing or from what is recorded of it.

    Call `advance` for what is to do now, `settle` with each fact that comes in and `durable` when a gated record is committed; `advance`
    again after either. ``recorded`` stand in the order in which they were stored. A step that is recorded is never done again; a step
    with an open wait is taken up where it stands.

    A failed step fails the task unless a failure handler of it succeeded and something that depends on the handler ran, or a join
    that is content with the failure succeeded. When that is certain, only handlers and tasks whose rule tolerates failure still start,
    waits are given up, tool calls under way are awaited, and the first such failure is the cause.
    """

    def __init__(
        self,
        program: Program,
        info: TaskInfo,
        recorded: Iterable[Recorded] = (),
        waiting: Iterable[Waiting] = (),
    ) -> None:
        self._info = info
        self._recorded = {step.key: step for step in recorded}
        self._noted = notes_by_step(self._recorded.values())
        self._waiting = {wait.key: wait for wait in waiting}
        defaults = program.variables if program.kind == "workflow" else {}
        self._variables: JsonObject = {**defaults, **info.variables}
        self._out: list[Command] = []
        self._asked: dict[str, tuple[Frame, NodeState, Step]] = {}
        self._gated: dict[str, tuple[Frame, NodeState, Done | Failed]] = {}
        self._loop_names = LoopNames(program.graph, self._recorded)
        self._closing = Closing(program, self._recorded.values())
        results: JsonObject = {}
        names = LayeredNames(results, TaskNames(info, program.variables, self._variables))
        self._board = Board(Frame(program.graph, "", results, names), self._recorded)
        self._pump()

    def advance(self) -> list[Command]:
        """What is to do now; empty while everything that was asked for is still open."""
        self._pump()
        commands, self._out = self._out, []
        return commands

    def settle(self, fact: Fact) -> None:
        """Take a fact. One about a step that is over is late and changes nothing."""
        if isinstance(fact, WaitOver) and self._closing.awaits(fact):
            self._closing.opened(fact)
        elif fact.key in self._asked:
            frame, node, step = self._asked[fact.key]
            self._apply(frame, node, self._effect(frame, lambda: step.settle(fact)))

    def durable(self, key: str) -> None:
        """The gated record of this step is committed: go on past it."""
        gated = self._gated.pop(key, None)
        if gated is not None:
            self._end(*gated)

    @property
    def progress(self) -> tuple[int, int]:
        """(tasks that are final, tasks in play), those of loop rounds counted once for each round begun."""
        return self._board.done, self._board.total

    def failing_frames(self) -> list[Frame]:
        """The graphs, the task's own and rounds of loops, that fail as things stand."""
        board = self._board
        frames = {frame.prefix: frame for frame in (board.root, *board.frames.values(), *board.failed_rounds)}
        return [frame for frame in frames.values() if frame.failing is not None]

    def _pump(self) -> None:
        todo = self._board.todo
        while todo and not self._closing.is_decided and len(self._out) < MOST_AT_ONCE:
            frame, node = todo.popleft()
            if node.state == PENDING:
                self._consider(frame, node)
        if todo and not self._closing.is_decided:
            return
        root = self._board.root
        if not (self._closing.is_decided or root.open == 0 or self._asked or self._gated):
            self._closing.decide(Verdict("failed", error=STUCK))
        if self._closing.is_decided or root.open == 0:
            self._out.extend(self._closing.commands(root, self._waiting))

    def _consider(self, frame: Frame, node: NodeState) -> None:
        decision = decide(frame, node)
        if decision.action == "wait":
            return
        recorded = self._recorded.get(frame.key(node))
        if recorded is not None:
            self._take_over(frame, node, recorded, decision.reason)
        elif decision.action == "skip":
            self._skip(frame, node, decision.reason)
        else:
            self._begin(frame, node)

    def _take_over(self, frame: Frame, node: NodeState, recorded: Recorded, skip_reason: str) -> None:
        """A step that was done in an earlier claim: its outcome counts, whatever would be decided now."""
        plan = node.plan
        if recorded.operator != plan.operator_type:
            self._out.clear()  # nothing of a definition that does not fit may be started
            self._asked.clear()
            self._closing.diverged(recorded, plan.operator_type)
        elif recorded.outcome == "skipped":
            self._after(frame, self._board.skip(frame, node, skip_reason or UPSTREAM_FAILED))
        elif recorded.outcome == "failed":
            error = recorded.error or StepError("internal", "the failure was recorded without its error")
            self._end(frame, node, Failed(error, cause=cause_of(self._recorded, recorded) if plan.body else ""))
        else:
            if plan.operator.shares_rounds:
                frame.results.update(self._loop_names.left_by(recorded.key))
            self._end(frame, node, Done(recorded.result))

    def _begin(self, frame: Frame, node: NodeState) -> None:
        node.state = RUNNING
        at = self._place(frame, node)
        step = node.step = node.plan.operator.step(at)
        waiting = self._waiting.pop(at.key, None)
        self._apply(frame, node, self._effect(frame, lambda: _begun(node, step, waiting)))

    def _place(self, frame: Frame, node: NodeState) -> At:
        return At(
            key=frame.key(node),
            task_id=node.plan.task_id,
            info=self._info,
            names=frame.names_for(node),
            variables=self._variables,
            emit=self._emit,
            recorded=self._recorded,
            noted=self._noted.get(frame.key(node), {}),
            outcomes=frame.outcomes,
            note_ended=self._closing.note_ended,
        )

    def _apply(self, frame: Frame, node: NodeState, effect: Effect) -> None:
        if isinstance(effect, Asked):
            self._ask(frame, node, effect)
        elif isinstance(effect, Done):
            self._record_done(frame, node, effect)
        elif isinstance(effect, Failed):
            self._record_failed(frame, node, effect)
        elif isinstance(effect, Rounds):
            self._open_rounds(frame, node, effect)
        elif isinstance(effect, GivenUp):
            self._skip(frame, node, UPSTREAM_FAILED)
        else:
            self._terminate(frame, node, effect)

    def _open_rounds(self, frame: Frame, node: NodeState, effect: Rounds) -> None:
        for each in effect.rounds:
            node.rounds_open += 1
            self._board.open(frame.round(node, each))
        if effect.meanwhile is not None:
            self._ask(frame, node, effect.meanwhile)

    def _ask(self, frame: Frame, node: NodeState, asked: Asked) -> None:
        if node.step is None:
            return
        self._asked[frame.key(node)] = (frame, node, node.step)
        given_up = node.step.give_up() if frame.must_stop(node) else None
        if given_up is None:
            self._out.extend(asked.commands)
        else:
            self._apply(frame, node, given_up)

    def _record_done(self, frame: Frame, node: NodeState, done: Done) -> None:
        problem = records.postcondition_problem(frame, node, done)
        if problem is not None:
            self._record_failed(frame, node, Failed(problem, done.gate, done.input, done.attempt))
            return
        plan = node.plan
        if not done.committed:
            self._emit(records.success(frame.key(node), plan.operator_type, done))
        self._out.extend(done.then)
        self._closing.note_forked(plan.operator.forked(done.result))
        self._end_or_gate(frame, node, done)

    def _record_failed(self, frame: Frame, node: NodeState, failed: Failed) -> None:
        self._emit(records.failure(frame.key(node), node.plan.operator_type, failed))
        self._end_or_gate(frame, node, failed)

    def _end_or_gate(self, frame: Frame, node: NodeState, effect: Done | Failed) -> None:
        key = frame.key(node)
        self._asked.pop(key, None)
        if effect.gate:
            self._gated[key] = (frame, node, effect)
        else:
            self._end(frame, node, effect)

    def _end(self, frame: Frame, node: NodeState, effect: Done | Failed) -> None:
        """The step is over, and everyone may know."""
        if isinstance(effect, Done):
            self._variables.update(effect.variables)
            newly_failing = self._board.succeed(frame, node, effect.result)
        else:
            newly_failing = self._board.fail(frame, node, effect.error, effect.cause)
        self._after(frame, newly_failing)

    def _skip(self, frame: Frame, node: NodeState, reason: str) -> None:
        self._record_skip(frame, node, reason)
        self._after(frame, self._board.skip(frame, node, reason))

    def _record_skip(self, frame: Frame, node: NodeState, reason: str) -> None:
        key = frame.key(node)
        self._asked.pop(key, None)
        if key not in self._recorded:
            self._emit(Record(key, node.plan.operator_type, "skipped", reason=reason))

    def _after(self, frame: Frame, newly_failing: bool) -> None:
        if newly_failing:
            self._give_up_waiting()
        if frame.open == 0 and not frame.is_over:
            self._board.leave(frame)
            self._round_over(frame)

    def _round_over(self, frame: Frame) -> None:
        node, outer = frame.owner, frame.outer
        if node is None or outer is None or node.step is None:
            return
        node.rounds_open -= 1
        step = node.step
        if frame.failing is None and frame.outer_is_failing():
            self._apply(outer, node, Rounds() if node.rounds_open else GivenUp())
        else:
            self._apply(outer, node, self._effect(outer, lambda: step.round_over(frame.round_end())))

    def _give_up_waiting(self) -> None:
        """Steps that only wait would keep a failing task from its end: they end as skipped, except handlers and the like."""
        for key, (frame, node, step) in list(self._asked.items()):
            if frame.must_stop(node) and key in self._asked:
                effect = step.give_up()
                if effect is not None:
                    self._apply(frame, node, effect)

    def _terminate(self, frame: Frame, node: NodeState, ended: Ended) -> None:
        """The author ends the task here: everything that is not final is skipped, also what is under way."""
        key = frame.key(node)
        self._emit(Record(key, "terminate", "succeeded", Closing.stored(ended)))
        node.state = SUCCEEDED
        self._closing.decide(Verdict.of(ended, key))
        for each in self._board.frames.values():
            for state in each.states:
                if not state.is_final and each.key(state) not in self._gated:
                    self._record_skip(each, state, TERMINATED)
        self._gated.clear()

    def _emit(self, command: Command) -> None:
        self._closing.hear(command)
        self._out.append(command)

    @staticmethod
    def _effect(frame: Frame, act: Callable[[], Effect]) -> Effect:
        """What a step answers; a template or condition that cannot be resolved is its failure."""
        try:
            return act()
        except UndefinedName as error:
            return Failed(template_error(error, frame.why_undefined(error.name)))
        except ExpressionError as error:
            return Failed(template_error(error))


def _begun(node: NodeState, step: Step, waiting: Waiting | None) -> Effect:
    """The first answer of a step: to its open wait, or to its beginning if its preconditions hold."""
    if waiting is not None:
        return step.resume(waiting)
    problem = first_problem(node.plan.preconditions, step.at.names)
    return Failed(problem) if problem else step.begin()
