"""Write a drawing down as an image of its own: an SVG that needs no style sheet and no script, for cards, files and other programs.

It carries its colours as attributes, which a style sheet of the page may override, and no ids, so that many of them can stand on one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.graph.colours import INK, LINE, MUTED, PAPER, fill_of
from workflows.graph.details import node_detail
from workflows.graph.layout import draw
from workflows.graph.model import Box, Direction, Node, Point, Route
from workflows.graph.states import PENDING, NodeState
from workflows.graph.strokes import sharp, short, smooth

LABEL_LENGTH = 21
DETAIL_LENGTH = 28
FRAME_LETTER_WIDTH = 6.6
WING, TIP = 4.0, 5.0


def as_svg(root: Node, states: Mapping[str, NodeState]) -> SafeString:
    """The graph as one ``<svg>`` with a name for everybody; its parts are not told one by one."""
    drawing = draw(root)
    nodes = [box for box in drawing.boxes if not box.node.children]
    frames = [box for box in drawing.boxes if box.node.children]
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" '
        'font-family="system-ui, sans-serif">{}{}{}</svg>',
        _("Graph of %(name)s") % {"name": _printable(root.label)},
        *(round(drawing.width), round(drawing.height)) * 2,
        _joined(_frame(box, states.get(box.node.id, PENDING)) for box in frames),
        _joined(_edge(route, drawing.direction) for route in drawing.routes),
        _joined(_node(box, states.get(box.node.id, PENDING)) for box in nodes),
    )


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _node(box: Box, state: NodeState) -> SafeString:
    x, y = round(box.x), round(box.y)
    return format_html(
        '<g class="node" data-state="{state}" data-kind="{kind}">'
        '<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{line}"/>'
        '<text class="name" x="{text_x}" y="{name_y}" font-size="13" font-weight="600" fill="{ink}">{label}</text>'
        '<text class="detail" x="{text_x}" y="{detail_y}" font-size="11" fill="{muted}">{detail}</text></g>',
        state=state.state,
        kind=box.node.kind,
        x=x,
        y=y,
        width=round(box.width),
        height=round(box.height),
        fill=fill_of(state.state),
        line=LINE,
        ink=INK,
        muted=MUTED,
        text_x=x + 12,
        name_y=y + 22,
        detail_y=y + 39,
        label=short(_printable(box.node.label), LABEL_LENGTH),
        detail=short(_printable(node_detail(box.node, state)), DETAIL_LENGTH),
    )


def _frame(box: Box, state: NodeState) -> SafeString:
    x, y = round(box.x), round(box.y)
    return format_html(
        '<g class="frame" data-state="{}" data-kind="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="8" fill="{}" fill-opacity="0.4" '
        'stroke="{}" stroke-dasharray="2 3"/><text class="name" x="{}" y="{}" font-size="11.5" font-weight="600" fill="{}">{}</text></g>',
        state.state,
        box.node.kind,
        *(x, y, round(box.width), round(box.height)),
        PAPER,
        LINE,
        x + 12,
        y + 20,
        MUTED,
        short(_printable(box.node.label), int((box.width - 24) / FRAME_LETTER_WIDTH)),
    )


def _edge(route: Route, direction: Direction) -> SafeString:
    edge, end = route.edge, route.points[-1]
    back = edge.kind == "back"
    path = sharp(route.points) if back else smooth(route.points, direction)
    line = format_html(
        '<g class="edge" data-kind="{}"><path d="{}" fill="none" stroke="{}"{}/><path d="{}" fill="{}"/>',
        edge.kind,
        path,
        LINE,
        "" if edge.kind in {"flow", "choice"} else format_html(' stroke-dasharray="{}"', "5 4"),
        _arrow_head(end, "left" if back else "down" if direction == "tb" else "right"),
        LINE,
    )
    label = format_html(
        '<text x="{}" y="{}" font-size="11" fill="{}">{}</text>',
        *(round(end.x + 8), round(end.y - 6), MUTED, _printable(_(edge.label)) if edge.label else ""),
    )
    return line + (label if edge.label else SafeString("")) + SafeString("</g>")


def _arrow_head(end: Point, towards: str) -> str:
    """A triangle instead of a marker, which would need an id."""
    x, y = end.x, end.y
    corners = {
        "down": ((x - WING, y), (x + WING, y), (x, y + TIP)),
        "right": ((x, y - WING), (x, y + WING), (x + TIP, y)),
        "left": ((x, y - WING), (x, y + WING), (x - TIP, y)),
    }[towards]
    return "M" + "L".join(f"{across:.1f} {along:.1f}" for across, along in corners) + "Z"


def _printable(text: str) -> str:
    """Without the control characters that no XML may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
