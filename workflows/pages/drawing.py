"""Pictures of definitions, with the states of a run or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from engine.model.json import JsonObject
from engine.model.views import StepView
from workflows.graph.layout import draw
from workflows.graph.read import read_graph
from workflows.graph.states import FINAL, address, roll_up
from workflows.graph.svg import render_svg


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, and how many of its nodes are over."""

    svg: SafeString
    nodes: int
    done: int = 0


def picture_of_run(
    definition: JsonObject, steps: Sequence[StepView], selected: StepView | None, *, run_is_open: bool
) -> Picture:
    """The definition with the states of a run; a node leads to the page with its step beside the graph."""
    root = read_graph(definition)
    states = roll_up(root, steps, run_is_open=run_is_open)
    leaves = [node for node in root.walk() if not node.children and node.id]
    done = sum(states[node.id].state in FINAL for node in leaves)
    shown = address(selected.scope, selected.key) if selected else ""
    svg = render_svg(draw(root), states, link=_step_link, selected=_node_of(shown, {node.id for node in leaves}))
    return Picture(svg, len(leaves), done)


def picture_of_definition(definition: JsonObject) -> Picture:
    """The definition alone: every node tells what it does."""
    root = read_graph(definition)
    svg = render_svg(draw(root), {}, link=lambda node: f"#node-{node}", title=_("Graph preview"))
    return Picture(svg, sum(1 for node in root.walk() if not node.children and node.id))


def _node_of(shown: str, nodes: set[str]) -> str:
    """The node that stands for a path: an activity's work lies one level below its node."""
    return shown if shown in nodes else shown.rpartition("/")[0]


def _step_link(node: str) -> str:
    return "?" + urlencode({"step": node})
