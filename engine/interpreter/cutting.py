"""Which steps of a run come before a given one: pure, for forks. What is neither the step nor anything after it stays."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from engine.interpreter.graph import Graph, after_index

_PART = re.compile(r"^(?P<task>[^\[\]]+)(?:\[(?P<round>\d*)\])?$")


class Part(NamedTuple):
    """One part of a step key: a task, and the round of it for a loop (None: the task itself, -1: what is noted of the loop)."""

    task_id: str
    round: int | None


def kept_before(graph: Graph, keys: Iterable[str], step: str) -> list[str]:
    """Those of the keys whose steps came before ``step``. Raises `LookupError` with the nearest names when there is no such step."""
    cut = _parse(step)
    _check(graph, cut, step)
    return [key for key in keys if _is_before(graph, _parse(_owner(key)), cut)]


def _owner(key: str) -> str:
    """The step that a note belongs to: what durable code has noted stands behind a dot, other notes behind an at sign."""
    return key.partition(".")[0].partition("@")[0]


def _parse(key: str) -> list[Part]:
    parts = []
    for text in key.split("/"):
        found = _PART.match(text)
        if found is None:
            return []
        number = found["round"]
        parts.append(Part(found["task"], None if number is None else int(number or -1)))
    return parts


def _check(graph: Graph, cut: list[Part], step: str) -> None:
    inside = graph
    for part in cut[:-1]:
        node = inside.nodes[inside.index[part.task_id]] if part.task_id in inside.index else None
        body = None if node is None or node.operator.forks_rounds else node.body
        if body is None or part.round is None or part.round < 0:
            raise LookupError(_unknown(step, graph.index))
        inside = body
    if not cut or cut[-1].task_id not in inside.index or cut[-1].round is not None:
        raise LookupError(_unknown(step, inside.index))


def _unknown(step: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(step.rsplit("/", 1)[-1], names, n=3) or sorted(names)[:5]
    return f"there is no step {step!r}; near to it: {', '.join(near)}"


def _is_before(graph: Graph, key: list[Part], cut: list[Part]) -> bool:
    if not key or key[0].task_id not in graph.index:
        return False
    mine, its = key[0], cut[0]
    if mine.task_id != its.task_id:
        return graph.index[mine.task_id] not in after_index(graph, graph.index[its.task_id])
    if len(cut) == 1 or mine.round is None or its.round is None:
        return False  # the step itself, or the loop around it, which has not ended then
    return _is_earlier_round(graph, key, cut, mine.round, its.round)


def _is_earlier_round(graph: Graph, key: list[Part], cut: list[Part], mine: int, its: int) -> bool:
    loop = graph.node(key[0].task_id)
    if mine == its:
        # What decided that the round begins stands; inside of it the same question is asked again.
        return len(key) == 1 or (loop.body is not None and _is_before(loop.body, key[1:], cut[1:]))
    return mine < its or not loop.operator.shares_rounds
