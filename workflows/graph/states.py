"""The states of a run's steps, rolled up to the nodes of its definition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.views import StepView
from workflows.graph.model import Node

INDEX = re.compile(r"\[\d+\]")

# The first of these that any execution is in is the state of the node.
LOUDEST_FIRST = (
    "failed",
    "timedout",
    "cancelled",
    "approval",
    "retrying",
    "running",
    "waiting",
    "sleeping",
    "pending",
    "succeeded",
    "skipped",
)
LOOPS = frozenset({"foreach", "while"})
FINAL = frozenset({"failed", "timedout", "cancelled", "succeeded", "skipped"})


@dataclass(frozen=True, slots=True)
class NodeState:
    """Where a node stands. ``executions`` are its own, oldest first; ``counts`` says how many are in which state."""

    state: str = "pending"
    executions: tuple[StepView, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many executions are over."""
        return sum(count for state, count in self.counts.items() if state in FINAL)


PENDING = NodeState()


def address(scope: str, key: str) -> str:
    """The id of the node that an execution belongs to: its path without loop indices."""
    return INDEX.sub("", f"{scope}/{key}" if scope else key)


def roll_up(root: Node, steps: Iterable[StepView], *, run_is_open: bool = True) -> dict[str, NodeState]:
    """The state of every node. In an ended run nothing stays active: what never ran is pending, what was under way is cancelled."""
    executions: dict[str, list[StepView]] = {}
    for step in steps:
        if not step.key.endswith("]"):  # the decision about a round of a loop is not an execution of the loop
            executions.setdefault(address(step.scope, step.key), []).append(step)
    states: dict[str, NodeState] = {}
    for node in reversed(root.walk()):  # contents before their containers
        own = executions.get(node.id, [])
        if node.kind == "activity":
            own = executions.get(f"{node.id}/{node.name}", own)  # what counts is the work, not that it was queued
        inner = [states[child.id].state for child in node.children]
        states[node.id] = _node_state(node, own, inner, run_is_open=run_is_open)
    _skip_contents(root, states)
    return states


def _node_state(node: Node, own: Sequence[StepView], inner: Sequence[str], *, run_is_open: bool) -> NodeState:
    found = Counter[str](_settled(step.status, run_is_open=run_is_open) for step in own)
    state = _loudest(found)
    if node.children and state not in {"failed", "timedout", "skipped", "cancelled"}:
        state = _container_state(node.kind, state if own else "", inner, run_is_open=run_is_open)
    return NodeState(state, tuple(own), found)


def _container_state(kind: str, own: str, inner: Sequence[str], *, run_is_open: bool) -> str:
    """A loop is over when it says so; a fork says so at once, so it and its branches are over when what they contain is."""
    if own == "succeeded" and kind in LOOPS:
        return own
    started = [state for state in inner if state not in {"pending", "skipped"}]
    if not started:
        return own or ("skipped" if inner and all(state == "skipped" for state in inner) else "pending")
    loudest = _loudest(Counter(started))
    over = kind not in LOOPS and all(state in FINAL for state in inner)
    if loudest == "succeeded" and not over:
        return "running" if run_is_open else "cancelled"
    return loudest


def _settled(status: str, *, run_is_open: bool) -> str:
    return status if run_is_open or status in FINAL else "cancelled"


def _loudest(states: Mapping[str, int]) -> str:
    return next((state for state in LOUDEST_FIRST if states.get(state)), "pending")


def _skip_contents(root: Node, states: dict[str, NodeState]) -> None:
    """What stands in a container that was skipped was skipped with it."""
    for node in root.walk():
        if node.children and states[node.id].state == "skipped":
            for child in node.children:
                states[child.id] = NodeState("skipped")
