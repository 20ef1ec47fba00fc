"""The graph as text for other programs: JSON, Mermaid and Graphviz. Labels are quoted, so no name can break out of its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.graph.model import Node
from workflows.graph.states import PENDING, NodeState

States = Mapping[str, NodeState]

_FILL = {
    "succeeded": "#e3f6e6",
    "failed": "#ffe9e6",
    "timedout": "#ffe9e6",
    "running": "#e3f2ff",
    "sleeping": "#f3ecff",
    "waiting": "#f3ecff",
    "retrying": "#ffebde",
}
_NO_FILL = "#eef0f3"


def as_json(root: Node, states: States) -> dict[str, Any]:
    """Nodes in the order of the definition, each with its container and its state, and the edges between them."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for container in root.walk():
        for node in container.children:
            state = states.get(node.id, PENDING)
            nodes.append(
                {
                    "id": node.id,
                    "operator": node.kind,
                    "label": node.label,
                    "container": container.id or None,
                    "status": state.state,
                    "executions": len(state.executions),
                }
            )
        edges += [
            {"source": edge.source, "target": edge.target, "label": edge.label, "kind": edge.kind}
            for edge in container.edges
        ]
    return {"nodes": nodes, "edges": edges}


def as_mermaid(root: Node, states: States) -> str:
    """A Mermaid flow chart; containers are subgraphs."""
    names = _short_names(root)
    lines = ["flowchart TD"]
    _mermaid_contents(root, names, lines, "    ")
    for node in root.walk()[1:]:
        fill = _FILL.get(states.get(node.id, PENDING).state, _NO_FILL)
        lines.append(f"    style {names[node.id]} fill:{fill}")
    return "\n".join(lines)


def as_dot(root: Node, states: States) -> str:
    """A Graphviz digraph; containers are clusters."""
    names = _short_names(root)
    lines = [
        f"digraph {_dot_text(root.label)} {{",
        "    rankdir=TB; compound=true;",
        "    node [shape=box, style=filled];",
    ]
    _dot_contents(root, names, states, lines, "    ")
    return "\n".join([*lines, "}"])


def _short_names(root: Node) -> dict[str, str]:
    """Names without punctuation, by position: an id of ours may hold anything."""
    return {node.id: f"n{number}" for number, node in enumerate(root.walk())}


def _mermaid_contents(container: Node, names: Mapping[str, str], lines: list[str], indent: str) -> None:
    for node in container.children:
        if node.children:
            lines.append(f"{indent}subgraph {names[node.id]}[{_mermaid_text(node.label)}]")
            _mermaid_contents(node, names, lines, f"{indent}    ")
            lines.append(f"{indent}end")
        else:
            lines.append(f"{indent}{names[node.id]}[{_mermaid_text(node.label)}]")
    for edge in container.edges:
        label = f"|{_mermaid_text(edge.label)}|" if edge.label else ""
        lines.append(f"{indent}{names[edge.source]} -->{label} {names[edge.target]}")


def _dot_contents(container: Node, names: Mapping[str, str], states: States, lines: list[str], indent: str) -> None:
    for node in container.children:
        fill = _FILL.get(states.get(node.id, PENDING).state, _NO_FILL)
        if node.children:
            lines.append(f"{indent}subgraph cluster_{names[node.id]} {{ label={_dot_text(node.label)};")
            lines.append(f"{indent}    {names[node.id]} [shape=point, fillcolor={_dot_text(fill)}];")
            _dot_contents(node, names, states, lines, f"{indent}    ")
            lines.append(f"{indent}}}")
        else:
            lines.append(f"{indent}{names[node.id]} [label={_dot_text(node.label)}, fillcolor={_dot_text(fill)}];")
    for edge in container.edges:
        label = f" [label={_dot_text(edge.label)}]" if edge.label else ""
        lines.append(f"{indent}{names[edge.source]} -> {names[edge.target]}{label};")


def _mermaid_text(text: str) -> str:
    clean = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return '"' + " ".join(clean.split()) + '"'


def _dot_text(text: str) -> str:
    return '"' + " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split()) + '"'
