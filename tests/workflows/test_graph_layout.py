"""Every drawing is sound, whatever the graph: nothing overlaps, contents lie inside, arrows run forward, and it is always the same."""

from itertools import combinations, pairwise
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.graph.layout import draw
from workflows.graph.model import Box, Drawing, Edge, Node

ROUNDING = 0.01


@st.composite
def containers(draw_value, depth: int = 2, prefix: str = "n") -> Node:
    count = draw_value(st.integers(1, 7))
    children = []
    for index in range(count):
        name = f"{prefix}{index}"
        if depth and draw_value(st.integers(0, 4)) == 0:
            children.append(draw_value(containers(depth=depth - 1, prefix=f"{name}_")))
        else:
            children.append(Node(name, "task", name))
    ids = [child.id for child in children]
    pairs = draw_value(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=12))
    edges = tuple(Edge(source, target) for source, target in dict.fromkeys(pairs))
    return Node(f"{prefix}box", "foreach", prefix, children=tuple(children), edges=edges)


def overlap(first: Box, second: Box) -> bool:
    return (
        first.x < second.x + second.width - ROUNDING
        and second.x < first.x + first.width - ROUNDING
        and first.y < second.y + second.height - ROUNDING
        and second.y < first.y + first.height - ROUNDING
    )


def places(drawing: Drawing) -> dict[str, Box]:
    return {box.node.id: box for box in drawing.boxes}


@given(containers(), st.sampled_from(["tb", "lr"]))
@settings(max_examples=150, deadline=None)
def test_siblings_never_overlap_and_contents_lie_inside(root, direction):
    drawing = draw(root, direction)
    placed = places(drawing)
    for node in root.walk():
        for first, second in combinations(node.children, 2):
            assert not overlap(placed[first.id], placed[second.id])
        if node is root:
            continue
        frame = placed[node.id]
        for child in node.children:
            box = placed[child.id]
            assert frame.x < box.x
            assert box.x + box.width < frame.x + frame.width
            assert frame.y < box.y
            assert box.y + box.height < frame.y + frame.height


@given(containers(), st.sampled_from(["tb", "lr"]))
@settings(max_examples=150, deadline=None)
def test_everything_is_on_the_sheet(root, direction):
    drawing = draw(root, direction)
    assert len(drawing.boxes) == len(root.walk()) - 1
    assert len(drawing.routes) == sum(len(node.edges) for node in root.walk())
    for box in drawing.boxes:
        assert 0 <= box.x <= box.x + box.width <= drawing.width
        assert 0 <= box.y <= box.y + box.height <= drawing.height


@given(containers(), st.sampled_from(["tb", "lr"]))
@settings(max_examples=100, deadline=None)
def test_arrows_run_along_the_flow_unless_they_close_a_cycle(root, direction):
    drawing = draw(root, direction)
    placed = places(drawing)
    for route in drawing.routes:
        source, target = placed[route.edge.source], placed[route.edge.target]
        along = [point.y if direction == "tb" else point.x for point in route.points]
        forward = target.y > source.y if direction == "tb" else target.x > source.x
        if forward and len(set(along)) > 2:
            assert all(start <= end for start, end in pairwise(along)) or len(route.points) == 4


@given(containers())
@settings(max_examples=50, deadline=None)
def test_the_same_definition_gives_the_same_drawing(root):
    assert draw(root) == draw(root)


def test_the_work_is_bounded_for_big_graphs():
    ids = [f"n{index}" for index in range(2000)]
    edges = tuple(Edge(source, target) for source, target in pairwise(ids)) + tuple(
        Edge(ids[index], ids[(index * 7 + 900) % 2000]) for index in range(0, 1900, 3)
    )
    root = Node("", "root", "big", children=tuple(Node(key, "task", key) for key in ids), edges=edges)
    began = process_time()
    drawing = draw(root)
    assert len(drawing.boxes) == 2000
    assert process_time() - began < 2.0
