"""All graphs of one execution: which tasks are final, which are to be considered next, and which failures are certain."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from engine.interpreter.failures import hangs_on, standing
from engine.interpreter.flow import Todo, open_frame, tell_dependents
from engine.interpreter.frame import FAILED, SKIPPED, SUCCEEDED, Frame, NodeState
from engine.model.errors import StepError
from engine.model.facts import Recorded
from engine.model.json import Json


class Board:
    """Keeps the frames' books. Every method that ends a task says whether its frame has thereby become certain to fail.

    Failures are counted in the order in which they were recorded, so that the first stays the first when the task is entered again.
    """

    def __init__(self, root: Frame, recorded: Mapping[str, Recorded]) -> None:
        self.root = root
        self.todo: Todo = deque()
        self.frames: dict[str, Frame] = {}
        self.failed_rounds: list[Frame] = []
        self.done = self.total = 0
        self._recorded_order = {key: order for order, key in enumerate(recorded)}
        self._failures = len(recorded)
        self.open(root)

    def open(self, frame: Frame) -> None:
        """Take up a new frame."""
        self.frames[frame.prefix] = frame
        self.total += len(frame.states)
        open_frame(frame, self.todo)

    def leave(self, frame: Frame) -> None:
        """The frame is over; what a round of a sequential loop leaves behind stays visible around it."""
        frame.is_over = True
        del self.frames[frame.prefix]
        if frame.failing is not None and frame.owner is not None:
            self.failed_rounds.append(frame)
        if frame.outer is not None and frame.owner is not None and frame.owner.plan.operator.shares_rounds:
            frame.outer.results.update(frame.results)

    def succeed(self, frame: Frame, node: NodeState, result: Json) -> bool:
        """The task succeeded: its result is visible from now on."""
        plan = node.plan
        node.result = result
        frame.results[plan.task_id] = result
        if plan.result_key is not None:
            frame.results[plan.result_key] = result
        if plan.is_choice:
            target = plan.operator.chosen(result)
            node.chosen = frame.graph.index.get(target) if target is not None else None
        return self._close(frame, node, SUCCEEDED)

    def fail(self, frame: Frame, node: NodeState, error: StepError, cause: str) -> bool:
        """The task failed for good."""
        node.error = error
        node.cause = cause or frame.key(node)
        node.order = self._recorded_order.get(frame.key(node), self._failures)
        self._failures += 1
        return self._close(frame, node, FAILED)

    def skip(self, frame: Frame, node: NodeState, reason: str) -> bool:
        """The task will not run."""
        node.reason = reason
        return self._close(frame, node, SKIPPED)

    def _close(self, frame: Frame, node: NodeState, state: str) -> bool:
        node.state = state
        node.step = None
        self.done += 1
        frame.open -= 1
        tell_dependents(frame, node, self.todo)
        ended = frame.hanging.pop(node.plan.index, [])
        return _review([*ended, node] if state == FAILED else ended, frame)


def _review(failures: Sequence[NodeState], frame: Frame) -> bool:
    """Find out which of the failures are certain to stay unhandled; true when the frame has just got the first of them.

    One that is not certain hangs on one task, and is looked at again when that has ended: the last of those that could handle it is among them.
    """
    was_failing = frame.failing is not None
    for failure in failures:
        found = standing(frame, failure)
        if found == "open":
            frame.hanging.setdefault(hangs_on(frame, failure), []).append(failure)
        elif found == "unhandled" and (frame.failing is None or failure.order < frame.failing.order):
            frame.failing = failure
    return frame.failing is not None and not was_failing
