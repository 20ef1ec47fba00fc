"""The resumable state machine of one task: facts in, commands out. Never reads a clock, a socket or a table."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from engine.interpreter.closing import Closing, Verdict
from engine.interpreter.failures import standing
from engine.interpreter.flow import Todo, open_frame, tell_dependents
from engine.interpreter.frame import (
    FAILED,
    PENDING,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    TERMINATED,
    UPSTREAM_FAILED,
    Frame,
    NodeState,
)
from engine.interpreter.names import LayeredNames, TaskNames
from engine.interpreter.program import Program
from engine.interpreter.readiness import decide
from engine.language.expressions import ExpressionError
from engine.model.commands import Command, Record
from engine.model.errors import StepError
from engine.model.facts import Fact, Recorded, TaskInfo, Waiting, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.base import Asked, At, Done, Effect, Ended, Failed, GivenUp, Outcome, Round, RoundEnd, Rounds
from engine.operators.errors import template_error
from engine.operators.guards import first_problem


class Execution:
    """One task being executed, from nothing or from what is recorded of it.

    Call `advance` for what is to do now, `settle` with each fact that comes in and `durable` when a gated record is committed; `advance`
    again after either. A step that is recorded is never done again; a step with an open wait is taken up where it stands.
    """

    def __init__(
        self, program: Program, info: TaskInfo, recorded: Iterable[Recorded] = (), waiting: Iterable[Waiting] = ()
    ) -> None:
        self._info = info
        self._recorded = {step.key: step for step in recorded}
        self._waiting = {wait.key: wait for wait in waiting}
        defaults = program.variables if program.kind == "workflow" else {}
        self._variables: JsonObject = {**defaults, **info.variables}
        self._out: list[Command] = []
        self._todo: Todo = deque()
        self._asked: dict[str, tuple[Frame, NodeState]] = {}
        self._gated: dict[str, tuple[Frame, NodeState, Done | Failed]] = {}
        self._failures = 0
        self._done = self._total = 0
        self._closing = Closing(program, self._recorded.values())
        results: JsonObject = {}
        task_names = TaskNames(info, program.variables, self._variables)
        self._root = Frame(program.graph, "", results, LayeredNames(results, task_names))
        self._frames: dict[str, Frame] = {}
        self._open(self._root)
        self._pump()

    def advance(self) -> list[Command]:
        """What is to do now; empty while everything that was asked for is still open."""
        self._pump()
        commands, self._out = self._out, []
        return commands

    def settle(self, fact: Fact) -> None:
        """Take a fact. One about a step that is over is late and changes nothing."""
        if self._closing.awaits(fact) and isinstance(fact, WaitOver):
            self._out.extend(self._closing.opened(fact))
            return
        if fact.key not in self._asked:
            return
        frame, node = self._asked[fact.key]
        if node.step is None:
            return
        try:
            effect = node.step.settle(fact)
        except ExpressionError as error:
            effect = Failed(template_error(error))
        self._apply(frame, node, effect)

    def durable(self, key: str) -> None:
        """The gated record of this step is committed: go on past it."""
        gated = self._gated.pop(key, None)
        if gated is not None:
            self._end(*gated)

    @property
    def progress(self) -> tuple[int, int]:
        """(tasks that are final, tasks in play), those of loop rounds counted once for each round begun."""
        return self._done, self._total

    def _pump(self) -> None:
        while self._todo and not self._closing.is_decided:
            frame, node = self._todo.popleft()
            if node.state == PENDING:
                self._consider(frame, node)
        if self._closing.is_decided or self._root.is_over:
            self._out.extend(self._closing.commands(self._root, self._waiting))
        elif not self._asked and not self._gated:
            stuck = StepError("internal", "no task can go on and none is under way", "Stuck", retryable=False)
            self._closing.decide(Verdict("failed", error=stuck))
            self._out.extend(self._closing.commands(self._root, self._waiting))

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
        if recorded.operator != node.plan.operator_type:
            self._out.clear()  # nothing of a definition that does not fit may be started
            self._asked.clear()
            self._closing.diverged(recorded, node.plan.operator_type)
        elif recorded.outcome == "skipped":
            self._end_skipped(frame, node, skip_reason or UPSTREAM_FAILED)
        elif recorded.outcome == "failed":
            error = recorded.error or StepError("internal", "the recorded failure has no error")
            self._end(frame, node, Failed(error))
        elif node.plan.operator_type == "terminate":
            self._terminate(frame, node, Closing.ended_before(recorded.result))
        else:
            self._closing.note_forked(node.plan.operator.forked(recorded.result))
            self._end(frame, node, Done(recorded.result))

    def _begin(self, frame: Frame, node: NodeState) -> None:
        key = frame.key(node)
        node.state = RUNNING
        at = At(
            key,
            node.plan.task_id,
            self._info,
            self._names_for(frame, node),
            self._variables,
            self._emit,
            self._recorded,
            lambda: _outcomes(frame),
            self._closing.note_ended,
        )
        node.step = node.plan.operator.step(at)
        waiting = self._waiting.pop(key, None)
        effect: Effect
        try:
            if waiting is not None:
                effect = node.step.resume(waiting)
            else:
                problem = first_problem(node.plan.preconditions, at.names)
                effect = Failed(problem) if problem else node.step.begin()
        except ExpressionError as error:
            effect = Failed(template_error(error))
        self._apply(frame, node, effect)

    def _names_for(self, frame: Frame, node: NodeState) -> LayeredNames:
        """The frame's names; a failure handler also sees what failed and why."""
        owner = None if node.handled is None else frame.states[node.handled]
        if owner is None or owner.error is None:
            return frame.names
        seen: JsonObject = {"failed_task_id": owner.plan.task_id, "error_message": owner.error.message}
        return LayeredNames(seen, frame.names)

    def _apply(self, frame: Frame, node: NodeState, effect: Effect) -> None:
        if isinstance(effect, Done):
            self._record_done(frame, node, effect)
        elif isinstance(effect, Failed):
            self._record_failed(frame, node, effect)
        elif isinstance(effect, Asked):
            self._asked[frame.key(node)] = (frame, node)
            self._out.extend(effect.commands)
        elif isinstance(effect, Rounds):
            for each in effect.rounds:
                self._open_round(frame, node, each, shared=effect.shared)
        elif isinstance(effect, GivenUp):
            self._skip(frame, node, UPSTREAM_FAILED)
        else:
            self._terminate(frame, node, effect)

    def _record_done(self, frame: Frame, node: NodeState, done: Done) -> None:
        key, plan = frame.key(node), node.plan
        if plan.postconditions:
            problem = self._postcondition_problem(frame, node, done)
            if problem is not None:
                self._record_failed(frame, node, Failed(problem, done.gate, done.input, done.attempt))
                return
        if not done.committed:
            self._emit(
                Record(
                    key,
                    plan.operator_type,
                    "succeeded",
                    done.result,
                    input=done.input,
                    attempt=done.attempt,
                    variables=done.variables,
                    gate=done.gate,
                )
            )
        self._out.extend(done.then)
        self._closing.note_forked(plan.operator.forked(done.result))
        self._end_or_gate(key, frame, node, done)

    def _postcondition_problem(self, frame: Frame, node: NodeState, done: Done) -> StepError | None:
        seen: JsonObject = {node.plan.task_id: done.result}
        if node.plan.result_key is not None:
            seen[node.plan.result_key] = done.result
        try:
            return first_problem(node.plan.postconditions, LayeredNames(seen, frame.names))
        except ExpressionError as error:
            return template_error(error)

    def _record_failed(self, frame: Frame, node: NodeState, failed: Failed) -> None:
        key = frame.key(node)
        self._emit(
            Record(
                key,
                node.plan.operator_type,
                "failed",
                error=failed.error,
                input=failed.input,
                attempt=failed.attempt,
                gate=failed.gate,
            )
        )
        self._end_or_gate(key, frame, node, failed)

    def _end_or_gate(self, key: str, frame: Frame, node: NodeState, effect: Done | Failed) -> None:
        self._asked.pop(key, None)
        if effect.gate:
            self._gated[key] = (frame, node, effect)
        else:
            self._end(frame, node, effect)

    def _end(self, frame: Frame, node: NodeState, effect: Done | Failed) -> None:
        """The step is over, and everyone may know."""
        if isinstance(effect, Done):
            self._variables.update(effect.variables)
            self._succeed(frame, node, effect.result)
        else:
            node.error = effect.error
            node.cause = effect.cause or frame.key(node)
            node.order = self._failures
            self._failures += 1
            frame.unsettled.append(node)
            self._close_node(frame, node, FAILED)

    def _succeed(self, frame: Frame, node: NodeState, result: Json) -> None:
        plan = node.plan
        node.result = result
        frame.results[plan.task_id] = result
        if plan.result_key is not None:
            frame.results[plan.result_key] = result
        if plan.is_choice:
            target = plan.operator.chosen(result)
            node.chosen = frame.graph.index.get(target) if target is not None else None
        self._close_node(frame, node, SUCCEEDED)

    def _skip(self, frame: Frame, node: NodeState, reason: str) -> None:
        key = frame.key(node)
        self._asked.pop(key, None)
        if key not in self._recorded:
            self._emit(Record(key, node.plan.operator_type, "skipped", reason=reason))
        self._end_skipped(frame, node, reason)

    def _end_skipped(self, frame: Frame, node: NodeState, reason: str) -> None:
        node.reason = reason
        self._close_node(frame, node, SKIPPED)

    def _close_node(self, frame: Frame, node: NodeState, state: str) -> None:
        node.state = state
        node.step = None
        self._done += 1
        frame.open -= 1
        if self._closing.is_decided:
            return
        tell_dependents(frame, node, self._todo)
        if frame.unsettled:
            self._review_failures(frame)
        if frame.open == 0 and not frame.is_over:
            self._frame_over(frame)

    def _review_failures(self, frame: Frame) -> None:
        """Find out which failures are certain to stay unhandled; with the first of them the frame begins to wind up."""
        was_failing = frame.failing is not None
        still_open: list[NodeState] = []
        for failure in frame.unsettled:
            found = standing(frame, failure)
            if found == "open":
                still_open.append(failure)
            elif found == "unhandled" and (frame.failing is None or failure.order < frame.failing.order):
                frame.failing = failure
        frame.unsettled = still_open
        if frame.failing is not None and not was_failing:
            self._give_up_waiting()

    def _give_up_waiting(self) -> None:
        """Steps that only wait would keep a failing task from its end: they end as skipped, except handlers and the like."""
        for frame, node in list(self._asked.values()):
            exempt = node.handled is not None or node.plan.tolerates_failure
            failing = frame.outer_is_failing() or (frame.failing is not None and not exempt)
            if not failing or node.step is None or frame.key(node) not in self._asked:
                continue
            effect = node.step.give_up()
            if effect is not None:
                self._apply(frame, node, effect)

    def _open(self, frame: Frame) -> None:
        self._frames[frame.prefix] = frame
        self._total += len(frame.states)
        open_frame(frame, self._todo)

    def _open_round(self, frame: Frame, node: NodeState, each: Round, *, shared: bool) -> None:
        body = node.plan.body
        if body is None:
            raise TypeError(f"{frame.key(node)} has no body")
        results: JsonObject = {}
        names = LayeredNames(each.names, LayeredNames(results, self._names_for(frame, node)))
        inner = Frame(body, f"{frame.key(node)}[{each.index}]/", results, names)
        inner.outer, inner.owner, inner.index, inner.shared = frame, node, each.index, shared
        inner.sheltered = node.handled is not None or node.plan.tolerates_failure
        node.rounds_open += 1
        self._open(inner)

    def _frame_over(self, frame: Frame) -> None:
        frame.is_over = True
        del self._frames[frame.prefix]
        node, outer = frame.owner, frame.outer
        if node is None or outer is None or node.step is None:
            return
        node.rounds_open -= 1
        if frame.shared:
            outer.results.update(frame.results)
        self._apply(outer, node, self._after_round(frame, node))

    def _after_round(self, frame: Frame, node: NodeState) -> Effect:
        failing = frame.failing
        if failing is None and frame.outer_is_failing():
            return GivenUp() if node.rounds_open == 0 else Rounds()
        if node.step is None:
            raise TypeError(f"{node.plan.task_id} has no running step")
        end = RoundEnd(
            frame.index,
            frame.last_result(),
            failing.error if failing else None,
            failing.cause if failing else "",
        )
        try:
            return node.step.round_over(end)
        except ExpressionError as error:
            return Failed(template_error(error))

    def _terminate(self, frame: Frame, node: NodeState, ended: Ended) -> None:
        """The author ends the task here: everything that is not final is skipped, also what is under way."""
        key = frame.key(node)
        if key not in self._recorded:
            self._emit(Record(key, "terminate", "succeeded", Closing.stored(ended)))
        node.state = SUCCEEDED
        self._done += 1
        self._closing.decide(Verdict.of(ended, key))
        for each in list(self._frames.values()):
            for state in each.states:
                if not state.is_final and each.key(state) not in self._gated:
                    self._skip(each, state, TERMINATED)
        self._todo.clear()
        self._gated.clear()

    def _emit(self, command: Command) -> None:
        self._closing.hear(command)
        self._out.append(command)


def _outcomes(frame: Frame) -> Mapping[str, Outcome]:
    return {node.plan.task_id: Outcome(node.state if node.is_final else "open", node.result) for node in frame.states}
