"""The forms in which a graph leaves the platform, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workflows.graph.image import as_svg
from workflows.graph.model import Node
from workflows.graph.states import NodeState
from workflows.graph.texts import as_dot, as_mermaid

DrawingFormat = Literal["mermaid", "dot", "svg"]

_WRITERS = {"mermaid": as_mermaid, "dot": as_dot, "svg": as_svg}


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a form is as a file: its registered media type, and how its name ends."""

    media_type: str
    ending: str


FILES: Mapping[DrawingFormat, FileKind] = {
    "mermaid": FileKind("text/vnd.mermaid", "mmd"),
    "dot": FileKind("text/vnd.graphviz", "dot"),
    "svg": FileKind("image/svg+xml", "svg"),
}


def drawn(root: Node, states: Mapping[str, NodeState], form: DrawingFormat) -> str:
    """The graph as text of this form."""
    return str(_WRITERS[form](root, states))
