"""The graph as text for other programs: JSON, Mermaid and Graphviz. Labels are quoted, so no name can break out of its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workflows.graph.colours import fill_of
from workflows.graph.model import Edge, Node
from workflows.graph.states import PENDING, NodeState

States = Mapping[str, NodeState]

# What a node looks like, by its kind: a rectangle where nothing is said.
_MERMAID_SHAPES = {
    "condition": ("{", "}"),
    "switch": ("{", "}"),
    "wait": ("([", "])"),
    "wait_for_event": ("([", "])"),
    "emit_event": ("[/", "/]"),
    "child_workflow": ("[[", "]]"),
    "join": ("{{", "}}"),
    "terminate": ("((", "))"),
}
_DOT_SHAPES = {
    "condition": "diamond",
    "switch": "diamond",
    "wait": "oval",
    "wait_for_event": "oval",
    "emit_event": "parallelogram",
    "child_workflow": "component",
    "join": "hexagon",
    "terminate": "doublecircle",
}
_DASHED = frozenset({"handler", "back"})


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
        lines.append(f"    style {names[node.id]} fill:{fill_of(states.get(node.id, PENDING).state)}")
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
            left, right = _MERMAID_SHAPES.get(node.kind, ("[", "]"))
            lines.append(f"{indent}{names[node.id]}{left}{_mermaid_text(node.label)}{right}")
    for edge in container.edges:
        arrow = "-.->" if edge.kind in _DASHED else "-->"
        label = f"|{_mermaid_text(edge.label)}|" if edge.label else ""
        lines.append(f"{indent}{names[edge.source]} {arrow}{label} {names[edge.target]}")


def _dot_contents(container: Node, names: Mapping[str, str], states: States, lines: list[str], indent: str) -> None:
    for node in container.children:
        fill = fill_of(states.get(node.id, PENDING).state)
        if node.children:
            lines.append(f"{indent}subgraph cluster_{names[node.id]} {{ label={_dot_text(node.label)};")
            lines.append(f"{indent}    {names[node.id]} [shape=point, fillcolor={_dot_text(fill)}];")
            _dot_contents(node, names, states, lines, f"{indent}    ")
            lines.append(f"{indent}}}")
        else:
            shape = f", shape={_DOT_SHAPES[node.kind]}" if node.kind in _DOT_SHAPES else ""
            lines.append(
                f"{indent}{names[node.id]} [label={_dot_text(node.label)}, fillcolor={_dot_text(fill)}{shape}];"
            )
    lines += [f"{indent}{names[edge.source]} -> {names[edge.target]}{_dot_look(edge)};" for edge in container.edges]


def _dot_look(edge: Edge) -> str:
    look = [f"label={_dot_text(edge.label)}"] if edge.label else []
    look += ["style=dashed"] if edge.kind in _DASHED else []
    return f" [{', '.join(look)}]" if look else ""


# Besides what ends a quoted text: what begins an entity, a directive (%%{...}%%, which Mermaid looks for everywhere), HTML, or Markdown.
_MERMAID_SPECIAL = re.compile(r'["#&<>%{}`\\;]')


def _mermaid_text(text: str) -> str:
    return '"' + _MERMAID_SPECIAL.sub(lambda found: f"#{ord(found[0])};", _one_line(text)) + '"'


def _dot_text(text: str) -> str:
    return '"' + _one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    """Words and single spaces: no line end and no control character is left."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
