"""Decides whether a task may start, from what it has heard. Pure: looks only at the states of one frame."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
from engine.operators.join import readiness


class Decision(NamedTuple):
    """wait, run, or skip for a reason."""

    action: Literal["wait", "run", "skip"]
    reason: str = ""


WAIT, RUN = Decision("wait"), Decision("run")


def decide(frame: Frame, node: NodeState) -> Decision:
    """What the rules say about a task that has not started."""
    if node.plan.gates:
        gate = _gate(node)
        if gate is not None:
            return gate
    if node.plan.owners and node.handled is None:
        return _handler_not_called(node)
    decision = _trigger(frame, node)
    if decision.action == "run" and node.plan.joined:
        decision = _join(frame, node)
    if decision.action == "run" and frame.must_stop(node):
        return Decision("skip", UPSTREAM_FAILED)
    return decision


def _gate(node: NodeState) -> Decision | None:
    """None when a choice has let the task through."""
    if node.gates_open:
        return None
    if node.gates_heard < node.plan.gates:
        return WAIT
    return Decision("skip", node.skip_reason or BRANCH_NOT_TAKEN)


def _handler_not_called(node: NodeState) -> Decision:
    owners = len(node.plan.owners)
    if node.owners_heard < owners:
        return WAIT
    if node.owners_skipped == owners:
        return Decision("skip", node.skip_reason or BRANCH_NOT_TAKEN)
    return Decision("skip", HANDLER_NOT_NEEDED)


def _trigger(frame: Frame, node: NodeState) -> Decision:
    plan = node.plan
    waits = node.heard < plan.plain or node.gates_heard < plan.gates
    succeeded, failed, skipped = node.succeeded + node.gates_open, node.failed, node.skipped
    if not waits and node.neutral and not (succeeded or failed or skipped):
        succeeded, failed, skipped = _owners_instead(frame, node)
    rule = plan.trigger_rule
    if rule == "one_success" and succeeded:
        return RUN
    if rule == "one_done" and (succeeded or failed):
        return RUN
    if waits:
        return WAIT
    if not (succeeded or failed or skipped):
        return RUN  # nothing comes before it
    return _when_all_are_final(rule, node, succeeded, failed)


def _when_all_are_final(rule: str, node: NodeState, succeeded: int, failed: int) -> Decision:
    if rule == "all_done":
        return RUN
    if failed and rule not in {"one_success", "one_done"}:
        return Decision("skip", UPSTREAM_FAILED)
    if rule == "none_failed" or (rule == "all_success" and succeeded):
        return RUN
    return Decision("skip", UPSTREAM_FAILED if failed else node.skip_reason or BRANCH_NOT_TAKEN)


def _owners_instead(frame: Frame, node: NodeState) -> tuple[int, int, int]:
    """(succeeded, failed, skipped) of the owners of handlers that were not needed: all the task has to go by."""
    states = [frame.states[owner] for owner in _owners(frame, node.plan.handlers)]
    failed = sum(1 for state in states if signal_of(state) == FAILED)
    succeeded = sum(1 for state in states if state.state == SUCCEEDED)
    return succeeded, failed, len(states) - failed - succeeded


def _owners(frame: Frame, handlers: list[int]) -> set[int]:
    """Whose ends the handlers wait for; an owner that is a handler which was not needed has its own in its place."""
    found: set[int] = set()
    pending, seen = list(handlers), set(handlers)
    while pending:
        for owner in frame.graph.nodes[pending.pop()].owners:
            if signal_of(frame.states[owner]) != "neutral":
                found.add(owner)
            elif owner not in seen:
                seen.add(owner)
                pending.append(owner)
    return found


def signal_of(node: NodeState) -> str:
    """What a final task tells those that depend on it: succeeded, failed, skipped, or neutral for a handler that was not needed."""
    if node.state == SKIPPED:
        if node.reason == HANDLER_NOT_NEEDED:
            return "neutral"
        return FAILED if node.reason == UPSTREAM_FAILED else SKIPPED
    return node.state


def _join(frame: Frame, node: NodeState) -> Decision:
    states = [frame.states[named] for named in node.plan.joined]
    found = readiness(node.plan.join_mode, [state.state if state.is_final else "open" for state in states])
    if found == "wait":
        return WAIT
    if found == "run":
        return RUN
    reasons = [state.reason for state in states if state.reason != HANDLER_NOT_NEEDED]
    return Decision("skip", UPSTREAM_FAILED if UPSTREAM_FAILED in reasons else (reasons or [BRANCH_NOT_TAKEN])[0])
