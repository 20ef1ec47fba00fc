"""Carries the end of a task to those that wait for it. Touches the states of one frame and nothing else."""

from __future__ import annotations

from collections import deque

from engine.interpreter.failures import standing
from engine.interpreter.frame import (
    BRANCH_NOT_TAKEN,
    FAILED,
    HANDLER_NOT_NEEDED,
    SKIPPED,
    SUCCEEDED,
    UPSTREAM_FAILED,
    Frame,
    NodeState,
)
from engine.interpreter.graph import Out
from engine.interpreter.readiness import signal_of
from engine.language.edges import EdgeKind

Todo = deque[tuple[Frame, NodeState]]


def open_frame(frame: Frame, todo: Todo) -> None:
    """Put the tasks that nothing comes before on the list of those to consider."""
    for node in frame.states:
        plan = node.plan
        if not (plan.plain or plan.gates or plan.owners or plan.joined):
            todo.append((frame, node))


def tell_dependents(frame: Frame, node: NodeState, todo: Todo) -> None:
    """Let everyone who waits for this task hear of its end, and put them on the list of those to consider."""
    signal = signal_of(node)
    for edge in node.plan.out:
        target = frame.states[edge.target]
        if edge.kind is EdgeKind.PLAIN:
            _hear(target, signal, node.reason)
        elif edge.kind is not EdgeKind.JOINED:
            _tell_special(edge, node, target, signal)
        todo.append((frame, target))
    for choice, target_index in node.plan.sides:
        _member_ended(frame, frame.states[choice], target_index, todo)


def _tell_special(edge: Out, node: NodeState, target: NodeState, signal: str) -> None:
    if edge.kind is EdgeKind.GATE:
        _hear_gate(edge, node, target, signal)
    elif edge.kind is EdgeKind.HANDLER:
        _hear_owner(edge, node, target)
    elif not _side_is_open(node):  # AFTER; an open side is heard of when its last member ends
        _hear(target, signal, node.reason)


def _hear(target: NodeState, signal: str, reason: str) -> None:
    if signal == SUCCEEDED:
        target.succeeded += 1
    elif signal == FAILED:
        target.failed += 1
    elif signal == SKIPPED:
        target.skipped += 1
        _remember_reason(target, reason)
    else:
        target.neutral += 1


def _hear_gate(edge: Out, choice: NodeState, target: NodeState, signal: str) -> None:
    target.gates_heard += 1
    if choice.state == SUCCEEDED and choice.chosen == edge.target:
        target.gates_open += 1
    elif signal == FAILED:
        _remember_reason(target, UPSTREAM_FAILED)
    else:  # a choice that is a handler and was not needed has not chosen: what stands in its sides is skipped, not left out
        not_chosen = choice.reason in {"", HANDLER_NOT_NEEDED}
        _remember_reason(target, BRANCH_NOT_TAKEN if not_chosen else choice.reason)


def _hear_owner(edge: Out, owner: NodeState, handler: NodeState) -> None:
    handler.owners_heard += 1
    if owner.state == SKIPPED:
        handler.owners_skipped += 1
        _remember_reason(handler, owner.reason)
    elif owner.state == edge.handles and handler.handled is None:
        handler.handled = owner.plan.index


def _remember_reason(target: NodeState, reason: str) -> None:
    """A skip is passed on with its reason; a failure somewhere before outweighs a branch that was not taken."""
    if reason == UPSTREAM_FAILED or not target.skip_reason:
        target.skip_reason = reason


def _side_is_open(choice: NodeState) -> bool:
    if choice.state != SUCCEEDED or choice.chosen is None:
        return False
    return choice.side_ended.get(choice.chosen, 0) < len(choice.plan.members.get(choice.chosen, ()))


def _member_ended(frame: Frame, choice: NodeState, target_index: int, todo: Todo) -> None:
    choice.side_ended[target_index] = choice.side_ended.get(target_index, 0) + 1
    if choice.state != SUCCEEDED or choice.chosen != target_index or _side_is_open(choice):
        return
    members = (frame.states[member] for member in choice.plan.members[target_index])
    failed = any(member.state == FAILED and standing(frame, member) != "handled" for member in members)
    for edge in choice.plan.out:
        if edge.kind is EdgeKind.AFTER:
            waiter = frame.states[edge.target]
            _hear(waiter, FAILED if failed else SUCCEEDED, "")
            todo.append((frame, waiter))
