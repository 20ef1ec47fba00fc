"""Whether a failure is handled: by its handler and a graph that goes on past it, or by a join that is content with it.

A failed task fails the run unless a failure handler of it succeeded and something that depends on the handler ran, or a join in mode
any_of, one_success or all_of that names it succeeded.
"""

from __future__ import annotations

from typing import Literal

from engine.interpreter.frame import FAILED, SKIPPED, SUCCEEDED, Frame, NodeState
from engine.language.edges import EdgeKind

Standing = Literal["handled", "open", "unhandled"]


def standing(frame: Frame, failure: NodeState) -> Standing:
    """How a failed task stands now; "open" while what could handle it is not final."""
    found: set[Standing] = {"unhandled"}
    if failure.plan.failure_handler is not None:
        found.add(_by_handler(frame, frame.states[failure.plan.failure_handler]))
    for join in failure.plan.absorbing_joins:
        state = frame.states[join]
        if not state.is_final:
            found.add("open")
        elif state.state == SUCCEEDED:
            found.add("handled")
    if "handled" in found:
        return "handled"
    return "open" if "open" in found else "unhandled"


def hangs_on(frame: Frame, failure: NodeState) -> int:
    """A task that has not ended and may still handle a failure that stands open."""
    may_handle = list(failure.plan.absorbing_joins)
    if failure.plan.failure_handler is not None:
        handler = frame.states[failure.plan.failure_handler]
        may_handle += [handler.plan.index, *_following(handler)]
    return next(index for index in may_handle if not frame.states[index].is_final)


def _following(handler: NodeState) -> list[int]:
    return [edge.target for edge in handler.plan.out if edge.kind is not EdgeKind.HANDLER]


def _by_handler(frame: Frame, handler: NodeState) -> Standing:
    if not handler.is_final:
        return "open"
    if handler.state in {FAILED, SKIPPED}:
        return "unhandled"
    following = [frame.states[index] for index in _following(handler)]
    if any(state.state not in {SKIPPED, "pending"} for state in following):
        return "handled"
    return "open" if any(state.state == "pending" for state in following) else "unhandled"
