"""Read a stored definition (validated JSON) as a tree of nodes that can be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workflows.graph.edges import edges_between
from workflows.graph.layers import assign_layers, without_back_edges
from workflows.graph.model import Edge, Node
from workflows.graph.words import container_label, node_label, node_note

Tasks = Mapping[str, Mapping[str, Any]]

LOOPS = frozenset({"foreach", "while"})
FORKS = frozenset({"parallel", "multi_choice"})


def read_graph(definition: Mapping[str, Any]) -> Node:
    """The tree of a definition's steps. Unknown operators become plain nodes, so a drawing never fails on a newer language."""
    tasks = _by_id(definition.get("tasks"))
    body = _ids_in_bodies(tasks.values())
    top = {key: task for key, task in tasks.items() if key not in body and not task.get("is_internal_loop_task")}
    children, edges = _contents(top, prefix="")
    return Node("", "root", str(definition.get("name", "")), children=children, edges=edges)


def _by_id(tasks: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(tasks, Mapping):
        return {str(key): task for key, task in tasks.items()}
    return {str(task["task_id"]): task for task in tasks or ()}


def _ids_in_bodies(tasks: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids that belong to a loop's body; the builder lists them a second time beside the loop."""
    inside: set[str] = set()
    for task in tasks:
        body = _by_id(task.get("loop_body"))
        inside |= body.keys() | _ids_in_bodies(body.values())
    return inside


def _contents(tasks: Tasks, prefix: str) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    edges = edges_between(tasks, prefix)
    nodes = tuple(_node(key, tasks[key], prefix) for key in _in_order(tasks, edges, prefix))
    return nodes, edges


def _in_order(tasks: Tasks, edges: Iterable[Edge], prefix: str) -> list[str]:
    """Steps in an order in which they can run, ties as they were given: a database does not keep the order of an object's keys."""
    flow = [edge for edge in edges if edge.kind != "back"]
    layers = assign_layers(
        [prefix + key for key in tasks], without_back_edges([prefix + key for key in tasks], flow)[0]
    )
    return sorted(tasks, key=lambda key: layers[prefix + key])


def _node(key: str, task: Mapping[str, Any], prefix: str) -> Node:
    kind = str(task.get("operator_type", "task"))
    address = prefix + key
    if kind in LOOPS and task.get("loop_body"):
        return _loop(address, key, kind, task)
    if kind in FORKS and task.get("branch_workflows"):
        return _fork(address, key, kind, task)
    return Node(address, kind, node_label(key, kind, task), key, node_note(kind, task))


def _loop(address: str, key: str, kind: str, task: Mapping[str, Any]) -> Node:
    body = _by_id(task["loop_body"])
    nested = _ids_in_bodies(body.values())
    inner = {name: step for name, step in body.items() if name not in nested}
    children, edges = _contents(inner, prefix=f"{address}/")
    if kind == "while":
        edges += _return_edges(children, edges)
    return Node(address, kind, container_label(kind, task), key, node_note(kind, task), children, edges)


def _return_edges(children: tuple[Node, ...], edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """The way back of a while loop: from the first step that nothing follows to the first that follows nothing."""
    left = {edge.source for edge in edges}
    entered = {edge.target for edge in edges}
    last = [child.id for child in children if child.id not in left]
    first = [child.id for child in children if child.id not in entered]
    return (Edge(last[-1], first[0], kind="back"),) if last and first else ()


def _fork(address: str, key: str, kind: str, task: Mapping[str, Any]) -> Node:
    branches = tuple(
        _branch(f"{address}.{name}", str(name), workflow) for name, workflow in task["branch_workflows"].items()
    )
    return Node(address, kind, container_label(kind, task), key, children=branches)


def _branch(scope: str, name: str, workflow: Mapping[str, Any]) -> Node:
    tasks = _by_id(workflow.get("tasks"))
    nested = _ids_in_bodies(tasks.values())
    inner = {key: step for key, step in tasks.items() if key not in nested}
    children, edges = _contents(inner, prefix=f"{scope}/")
    return Node(scope, "branch", name, name, children=children, edges=edges)
