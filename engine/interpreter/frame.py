"""The state of one graph in execution: the task's own, or one iteration of a loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.interpreter.graph import Graph, Node
from engine.interpreter.names import LayeredNames
from engine.model.errors import StepError
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import Outcome, Round, RoundEnd, Step

PENDING, RUNNING = "pending", "running"
SUCCEEDED, FAILED, SKIPPED = "succeeded", "failed", "skipped"
FINAL = frozenset({SUCCEEDED, FAILED, SKIPPED})

BRANCH_NOT_TAKEN = "branch_not_taken"
UPSTREAM_FAILED = "upstream_failed"
HANDLER_NOT_NEEDED = "handler_not_needed"
TERMINATED = "terminated"


@dataclass(slots=True)
class NodeState:
    """Where one task stands, and what it has heard from those before it (one signal per incoming edge)."""

    plan: Node
    state: str = PENDING
    reason: str = ""
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    neutral: int = 0
    gates_heard: int = 0
    gates_open: int = 0
    skip_reason: str = ""
    owners_heard: int = 0
    owners_skipped: int = 0
    handled: int | None = None  # the owner whose end this handler answers
    result: Json = None
    error: StepError | None = None
    cause: str = ""
    order: int = 0  # of its failure among all failures of the execution
    chosen: int | None = None
    side_ended: dict[int, int] = field(default_factory=dict)  # for a choice: how many members of each side are final
    rounds_open: int = 0
    step: Step | None = None

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def heard(self) -> int:
        return self.succeeded + self.failed + self.skipped + self.neutral


class Frame:
    """One graph in execution. ``prefix`` stands before the keys of its steps; ``owner`` is the loop whose round ``index`` it is.

    ``sheltered`` rounds belong to a handler or a task that tolerates failure: they go on when what is around them fails.
    """

    __slots__ = (
        "failing",
        "graph",
        "hanging",
        "index",
        "is_over",
        "names",
        "open",
        "outer",
        "owner",
        "prefix",
        "results",
        "sheltered",
        "states",
    )

    def __init__(self, graph: Graph, prefix: str, results: JsonObject, names: LayeredNames) -> None:
        self.graph = graph
        self.prefix = prefix
        self.results = results
        self.names = names
        self.outer: Frame | None = None
        self.owner: NodeState | None = None
        self.index = 0
        self.sheltered = False
        self.states = [NodeState(plan) for plan in graph.nodes]
        self.open = len(self.states)
        self.is_over = False
        self.hanging: dict[
            int, list[NodeState]
        ] = {}  # failures that may be handled yet, each by a task whose end it hangs on
        self.failing: NodeState | None = None  # the first failure that is certainly not handled

    def key(self, node: NodeState) -> str:
        return self.prefix + node.plan.task_id

    def is_failing(self) -> bool:
        """Whether this frame or one around it cannot succeed any more."""
        return self.failing is not None or self.outer_is_failing()

    def outer_is_failing(self) -> bool:
        return not self.sheltered and self.outer is not None and self.outer.is_failing()

    def must_stop(self, node: NodeState) -> bool:
        """Whether this task may not begin or wait for anything new: the run fails, and it is neither a handler nor made for that."""
        exempt = node.handled is not None or node.plan.tolerates_failure
        return self.outer_is_failing() or (self.failing is not None and not exempt)

    def why_undefined(self, name: str) -> str:
        """Words for a name that is a task of this graph or one around it and has no result; "" for any other."""
        frame: Frame | None = self
        while frame is not None:
            index = frame.graph.index.get(name)
            if index is not None:
                state = frame.states[index].state
                words = {SKIPPED: "it was skipped", FAILED: "it failed"}
                return f"task '{name}' has no result: {words.get(state, 'it has not ended')}"
            frame = frame.outer
        return ""

    def last_result(self) -> Json:
        """The result of the last task, in the author's order, that succeeded."""
        return next((node.result for node in reversed(self.states) if node.state == SUCCEEDED), None)

    def outcomes(self) -> dict[str, Outcome]:
        """How each task of this graph stands."""
        return {
            node.plan.task_id: Outcome(node.state if node.is_final else "open", node.result) for node in self.states
        }

    def names_for(self, node: NodeState) -> LayeredNames:
        """The frame's names; a failure handler also sees what failed and why."""
        owner = None if node.handled is None else self.states[node.handled]
        if owner is None or owner.error is None:
            return self.names
        seen: JsonObject = {"failed_task_id": owner.plan.task_id, "error_message": owner.error.message}
        return LayeredNames(seen, self.names)

    def round(self, node: NodeState, each: Round) -> Frame:
        """A new frame for a round of the loop ``node``."""
        body = node.plan.body
        if body is None:
            raise TypeError(f"{self.key(node)} is no loop")
        results: JsonObject = {}
        names = LayeredNames(each.names, LayeredNames(results, self.names_for(node)))
        frame = Frame(body, f"{self.key(node)}[{each.index}]/", results, names)
        frame.outer, frame.owner, frame.index = self, node, each.index
        frame.sheltered = node.handled is not None or node.plan.tolerates_failure
        return frame

    def round_end(self) -> RoundEnd:
        """What its loop is told when this round is over."""
        failure = self.failing
        if failure is None:
            return RoundEnd(self.index, self.last_result())
        return RoundEnd(self.index, error=failure.error, cause=failure.cause)
