"""Write a drawing down as SVG: every node is a link with a name for everybody, every state an attribute that the style sheet paints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from workflows.graph.details import node_detail
from workflows.graph.model import Box, Direction, Drawing, Route
from workflows.graph.states import PENDING, NodeState
from workflows.graph.strokes import sharp, short, smooth
from workflows.words import state_word

LABEL_LENGTH = 18
DETAIL_LENGTH = 23
FRAME_LETTER_WIDTH = 6.6

Link = Callable[[str], str]


def render_svg(
    drawing: Drawing, states: Mapping[str, NodeState], *, link: Link, selected: str = "", title: str = ""
) -> SafeString:
    """The drawing as one ``<svg>``. ``link`` gives the address for a node id; ``selected`` is the id of the node that is shown beside it."""
    frames, nodes = [], []
    for box in drawing.boxes:
        state = states.get(box.node.id, PENDING)
        if box.node.children:
            frames.append(_frame(box, state))
        else:
            nodes.append(_node(box, state, link(box.node.id), selected=box.node.id == selected))
    return format_html(
        '<svg class="dag" role="group" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}{}{}</svg>',
        title or _("Workflow graph"),
        round(drawing.width),
        round(drawing.height),
        round(drawing.width),
        round(drawing.height),
        _joined(frames),
        _joined(_route(route, drawing.direction, states) for route in drawing.routes),
        _joined(nodes),
    )


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _node(box: Box, state: NodeState, href: str, *, selected: bool) -> SafeString:
    """A link whose name begins with what can be read on it, and ends with what can only be seen."""
    node = box.node
    name, detail = node.name or node.label, node_detail(node, state)
    label, shown = short(node.label, LABEL_LENGTH), short(detail, DETAIL_LENGTH)
    word = state_word(state.state)
    return format_html(
        '<a class="node{mark}" id="node-{id}" data-state="{state}" data-kind="{kind}" href="{href}" '
        'aria-label="{label} {shown}, {rest}"{current}><title>{name} · {detail}</title>{shapes}</a>',
        mark=" selected" if selected else "",
        id=node.id,
        state=state.state,
        kind=node.kind,
        href=href,
        label=label,
        shown=shown,
        rest=word if label == name else f"{name}, {word}",
        current=mark_safe(' aria-current="true"') if selected else "",
        name=name,
        detail=detail,
        shapes=_node_shapes(box, state.state, label, shown),
    )


def _node_shapes(box: Box, state: str, label: str, detail: str) -> SafeString:
    x, y, height = round(box.x), round(box.y), round(box.height)
    return format_html(
        '<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        '<rect class="strip" x="{x}" y="{y}" width="5" height="{height}" rx="2"/>'
        '<use href="#s-{state}" x="{icon_x}" y="{icon_y}" width="18" height="18"/>'
        '<text class="name" x="{text_x}" y="{name_y}">{label}</text> '
        '<text class="detail" x="{text_x}" y="{detail_y}">{detail}</text>',
        x=x,
        y=y,
        width=round(box.width),
        height=height,
        state=state,
        icon_x=x + 13,
        icon_y=y + height // 2 - 9,
        text_x=x + 38,
        name_y=y + 22,
        detail_y=y + 39,
        label=label,
        detail=detail,
    )


def _frame(box: Box, state: NodeState) -> SafeString:
    x, y = round(box.x), round(box.y)
    detail = state_word(state.state) if state.state != "pending" else ""
    room = int((box.width - 24) / FRAME_LETTER_WIDTH) - len(detail) - 2
    return format_html(
        '<g class="frame" data-state="{state}" data-kind="{kind}"><title>{name} · {label}</title>'
        '<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
        '<text class="name" x="{name_x}" y="{text_y}">{shown}</text>'
        '<text class="detail" x="{detail_x}" y="{text_y}">{detail}</text></g>',
        state=state.state,
        kind=box.node.kind,
        name=box.node.name or box.node.label,
        label=box.node.label,
        x=x,
        y=y,
        width=round(box.width),
        height=round(box.height),
        name_x=x + 12,
        detail_x=round(box.x + box.width - 12),
        text_y=y + 20,
        shown=short(box.node.label, room),
        detail=detail,
    )


def _route(route: Route, direction: Direction, states: Mapping[str, NodeState]) -> SafeString:
    edge = route.edge
    path = sharp(route.points) if edge.kind == "back" else smooth(route.points, direction)
    line = format_html(
        '<path class="edge" data-kind="{}" data-state="{}" d="{}" marker-end="url(#arrow)"/>',
        edge.kind,
        _edge_state(states.get(edge.source, PENDING).state, states.get(edge.target, PENDING).state),
        path,
    )
    return line + _edge_label(route, direction) if edge.label else line


def _edge_label(route: Route, direction: Direction) -> SafeString:
    before, end = route.points[-2], route.points[-1]
    x, y = (end.x + 8, end.y - 6) if direction == "tb" else ((before.x + end.x) / 2, end.y - 8)
    return format_html('<text class="edge-label" x="{}" y="{}">{}</text>', round(x), round(y), _(route.edge.label))


def _edge_state(source: str, target: str) -> str:
    if "skipped" in (source, target):
        return "skipped"
    return "pending" if target == "pending" else "taken"
