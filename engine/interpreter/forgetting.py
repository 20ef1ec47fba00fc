"""What of a history must be forgotten so that a task which failed or was stopped can go on: pure, for restarts and forks.

The failures that nothing handled go, with the handlers that answered them and what was skipped because of them; a failure that was handled
stays, as does everything that succeeded. Decisions of loops stay too, so a loop goes on in the round in which it failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.interpreter.execution import Execution
from engine.interpreter.frame import TERMINATED, UPSTREAM_FAILED, Frame
from engine.interpreter.graph import Graph, after_index
from engine.interpreter.losing import lost_locks
from engine.interpreter.program import Program
from engine.model.facts import Recorded, TaskInfo
from engine.model.json import Json
from engine.model.notes import OF_ONE_ATTEMPT
from engine.operators.kit.awaiting import EXCUSED_SUFFIX

_BECAUSE_IT_FAILED = frozenset({UPSTREAM_FAILED, TERMINATED})


def forgotten(program: Program, info: TaskInfo, recorded: Collection[Recorded], reasons: Mapping[str, str]) -> set[str]:
    """Keys of the records to take out, in one scope; locks that were held are taken again. ``reasons`` are those of the skipped steps."""
    kept = {step.key: step for step in recorded}
    gone = {key for key, reason in reasons.items() if reason in _BECAUSE_IT_FAILED}
    gone |= {step.key for step in kept.values() if step.operator == "terminate" and step.outcome == "succeeded"}
    # What its code held in a step that is not over was lost with the task, too.
    gone |= {key for key, step in kept.items() if step.operator in OF_ONE_ATTEMPT and key.partition(".")[0] not in kept}
    while True:
        for key in gone:
            kept.pop(key, None)
        # What is first to fail hides what the others did: they are looked at again when it is taken out.
        failing = Execution(program, info, kept.values()).failing_frames()
        gone = {key for frame in failing for key in _with_consequences(frame, kept)}
        if not gone:
            break
    return ({step.key for step in recorded} - kept.keys()) | lost_locks(program.graph, kept.values())


def excused(recorded: Iterable[Recorded]) -> set[str]:
    """Keys of forked tasks whose bad end a step has answered for."""
    found: set[str] = set()
    for step in recorded:
        tasks = (
            step.result.get("tasks") if step.key.endswith(EXCUSED_SUFFIX) and isinstance(step.result, dict) else None
        )
        if isinstance(tasks, list):
            found |= {key for key in tasks if isinstance(key, str)}
    return found


def heard_in_vain(graph: Graph, remaining: Collection[Recorded], payloads: Collection[Json]) -> set[str]:
    """Keys of waits for events that got one of the payloads (an activity's bad end, which is undone) and on which nothing was built yet."""
    succeeded = {step.key.partition("[")[0] for step in remaining if step.outcome == "succeeded"}
    found = set()
    for step in remaining:
        index = graph.index.get(step.key) if step.operator == "wait_for_event" and step.result in payloads else None
        if index is not None and not any(
            graph.nodes[after].task_id in succeeded for after in after_index(graph, index)
        ):
            found.add(step.key)
    return found


def _with_consequences(frame: Frame, kept: Mapping[str, Recorded]) -> Iterator[str]:
    failure = frame.failing
    if failure is None:
        return
    key = frame.key(failure)
    yield from (name for name in (key, key + EXCUSED_SUFFIX) if name in kept)
    # What its code has noted stays, except that something failed: the attempts are counted anew.
    notes = (step for name, step in kept.items() if name.startswith(f"{key}."))
    yield from (step.key for step in notes if step.outcome == "failed" or step.key.endswith(EXCUSED_SUFFIX))
    for index in after_index(frame.graph, failure.plan.index):
        node = frame.states[index]
        name = frame.key(node)
        if node.handled == failure.plan.index and not node.plan.operator.forked(node.result):
            yield from (
                other for other in kept if other == name or other.startswith((f"{name}[", name + EXCUSED_SUFFIX))
            )
        elif name in kept and kept[name].outcome == "skipped":
            yield name
