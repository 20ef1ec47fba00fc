"""Every operator is drawn as Mermaid, DOT and SVG: the same nodes and edges in all three, and no label breaks out of its place."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from highway_dsl import JoinMode, WorkflowBuilder

from engine.facade import read_json
from workflows.gallery.catalog import templates
from workflows.graph.formats import drawn
from workflows.graph.model import Edge, Node
from workflows.graph.read import read_graph

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '"]; evil',
    '"]\nn9 --> n1\nclick n1 "javascript:alert(1)"',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "`**markdown**` &amp; <b>html</b> #quot;",
    'back\\" ]; } digraph evil { "',
    "</text><script>alert(1)</script>",
    "null \x00 bell \x07 escape \x1b",
    "ünïcødé 漢字 🚀 \u202e reversed",
    "end",
    "",
]


def say(branch: WorkflowBuilder, name: str) -> WorkflowBuilder:
    return branch.task(name, "tools.log.info", args=[1])


def everything() -> Node:
    """A workflow with each of the fifteen operators."""
    b = WorkflowBuilder("everything")
    say(b, "first").on_failure("rescue")
    say(b, "rescue")
    b.activity(
        "job", "tools.long_running.execute_with_heartbeat", kwargs={"duration_seconds": 1}, dependencies=["first"]
    )
    b.reflexive("draft", "tools.x", "tools.y", dependencies=["job"])
    b.wait("nap", "PT1S", dependencies=["draft"])
    b.condition("asked", "1 == 1", lambda w: say(w, "yes_side"), lambda w: say(w, "no_side"))
    b.switch("route", "{{x}}", cases={"a": "case_a"}, default="case_b")
    b.task("case_a", "tools.log.info", args=[1], dependencies=["route"])
    b.task("case_b", "tools.log.info", args=[1], dependencies=["route"])
    b.parallel(
        "fork", {"left": lambda w: say(w, "l1"), "right": lambda w: say(say(w, "r1"), "r2")}, dependencies=["case_a"]
    )
    b.multi_choice("some", {"one": ("1 == 1", lambda w: say(w, "o1")), "two": ("1 == 2", lambda w: say(w, "t1"))})
    b.join("gate", ["case_a", "case_b"], JoinMode.ANY_OF)
    b.foreach("each", "{{items}}", lambda w: say(say(w, "e1"), "e2"))
    b.while_loop("again", "{{n}} < 3", lambda w: say(say(w, "w1"), "w2"))
    b.emit_event("tell", "told")
    b.wait_for_event("hear", "told")
    b.child_workflow("child", "other")
    b.terminate("stop")
    return read_graph(read_json(b.build().to_json()))


def hostile() -> Node:
    nodes = tuple(Node(f"id{number}", "task", text, text, text) for number, text in enumerate(HOSTILE))
    frame = Node("frame", "parallel", HOSTILE[0], HOSTILE[0], children=(Node("in", "condition", HOSTILE[1]),))
    edges = tuple(Edge("id0", f"id{number}", text) for number, text in enumerate(HOSTILE) if number)
    return Node("", "root", HOSTILE[1], children=(*nodes, frame), edges=edges)


def in_mermaid(text: str) -> tuple[int, int, int]:
    """Leaves, frames and edges, every line of the chart read by its grammar."""
    quoted = r'"[^"]*"'
    left, right = r"(?:\[/|\[\[|\(\(|\(\[|\{\{|\[|\{)", r"(?:/\]|\]\]|\)\)|\]\)|\}\}|\]|\})"
    grammar = {
        "node": rf"n\d+{left}{quoted}{right}",
        "frame": rf"subgraph n\d+\[{quoted}\]",
        "edge": rf"n\d+ -(?:-|\.-)>(?:\|{quoted}\|)? n\d+",
        "end": "end",
        "style": r"style n\d+ fill:#[0-9a-f]{6}",
    }
    first, *lines = text.split("\n")
    assert first == "flowchart TD"
    found = [next(name for name, rule in grammar.items() if re.fullmatch(rule, line.strip())) for line in lines]
    assert found.count("frame") == found.count("end")
    return found.count("node"), found.count("frame"), found.count("edge")


def in_dot(text: str) -> tuple[int, int, int]:
    """The same, by the grammar of DOT: quoted texts are taken out first, and what is left are statements and braces."""
    quoted = re.compile(r'"(?:[^"\\]|\\.)*"')
    bare = quoted.sub("Q", text)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}")
    statements = [part.strip() for part in re.split(r"[;{}]", bare) if part.strip()]
    assert statements[0] == "digraph Q"
    frames = [part for part in statements if re.fullmatch(r"subgraph cluster_n\d+", part)]
    edges = [part for part in statements if re.fullmatch(r"n\d+ -> n\d+(?: \[[^\]]*\])?", part)]
    nodes = [part for part in statements if re.fullmatch(r"n\d+ \[label=Q[^\]]*\]", part)]
    points = [part for part in statements if re.fullmatch(r"n\d+ \[shape=point[^\]]*\]", part)]
    other = [part for part in statements if part not in {*frames, *edges, *nodes, *points}]
    assert other == [
        "digraph Q",
        "rankdir=TB",
        "compound=true",
        "node [shape=box, style=filled]",
        *["label=Q"] * len(frames),
    ]
    assert len(points) == len(frames)
    return len(nodes), len(frames), len(edges)


def in_svg(text: str) -> tuple[int, int, int]:
    """The same, read by a parser of XML; nothing but shapes and texts is in it."""
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert {element.tag for element in root.iter()} <= {SVG + name for name in ("svg", "g", "rect", "path", "text")}
    groups = [element.get("class") for element in root.iter(f"{SVG}g")]
    return groups.count("node"), groups.count("frame"), groups.count("edge")


READERS = {"mermaid": in_mermaid, "dot": in_dot, "svg": in_svg}


def expected(root: Node) -> tuple[int, int, int]:
    every = root.walk()[1:]
    leaves = [node for node in every if not node.children]
    return len(leaves), len(every) - len(leaves), sum(len(node.edges) for node in root.walk())


@pytest.mark.parametrize("form", READERS)
def test_every_operator_is_drawn(form: Any) -> None:
    root = everything()
    assert {node.kind for node in root.walk()} == {
        *("root", "branch", "task", "activity", "reflexive", "condition", "switch", "wait", "parallel", "multi_choice"),
        *("join", "foreach", "while", "emit_event", "wait_for_event", "child_workflow", "terminate"),
    }
    assert expected(root)[2] > 20
    assert READERS[form](drawn(root, {}, form)) == expected(root)


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", templates())
def test_every_template_is_drawn(form: Any, name: str) -> None:
    root = read_graph(templates()[name].definition)
    assert READERS[form](drawn(root, {}, form)) == expected(root)


@pytest.mark.parametrize("form", READERS)
def test_no_label_breaks_out_of_its_place(form: Any) -> None:
    root = hostile()
    assert READERS[form](drawn(root, {}, form)) == expected(root)


def test_mermaid_sees_no_directive_entity_or_markup_in_a_label() -> None:
    text = drawn(hostile(), {}, "mermaid")
    for sign in ("%%", "`", "<", "&", "\\", 'javascript:alert(1)"]', "#quot;"):
        assert sign not in text
    assert "漢字" in text


def test_the_same_graph_gives_the_same_text() -> None:
    for form in READERS:
        assert drawn(everything(), {}, form) == drawn(everything(), {}, form)  # type: ignore[arg-type]
