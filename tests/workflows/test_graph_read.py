"""A definition is drawn as a person would draw it."""

import json
import time

import pytest
from highway_dsl import WorkflowBuilder

from workflows.graph.model import Node
from workflows.graph.read import read_graph


def graph_of(build) -> Node:
    builder = WorkflowBuilder("drawn")
    build(builder)
    return read_graph(json.loads(builder.build().to_json()))


def arrows(node: Node) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.label) for edge in node.edges}


def test_a_chain_is_a_chain():
    graph = graph_of(lambda b: b.task("a", "tools.log.info").task("b", "tools.log.info"))
    assert [child.id for child in graph.children] == ["a", "b"]
    assert arrows(graph) == {("a", "b", "")}


def test_a_condition_shows_its_question_and_labels_its_sides():
    graph = graph_of(
        lambda b: b.condition(
            "check",
            "{{score}} > 0.8",
            lambda w: w.task("review", "tools.log.info").task("decide", "tools.log.info"),
            lambda w: w.task("accept", "tools.log.info"),
        ).task("ship", "tools.log.info", dependencies=["check"])
    )
    assert graph.children[0].label == "score > 0.8?"
    assert arrows(graph) == {
        ("check", "review", "yes"),
        ("review", "decide", ""),
        ("check", "accept", "no"),
        ("decide", "ship", ""),
        ("accept", "ship", ""),
    }


def test_a_missing_side_is_an_arrow_past_the_other():
    tasks = {
        "check": {"operator_type": "condition", "condition": "x", "if_true": "yes_task", "if_false": None},
        "yes_task": {"operator_type": "task", "dependencies": ["check"]},
        "end": {"operator_type": "task", "dependencies": ["check"]},
    }
    graph = read_graph({"name": "n", "tasks": tasks})
    assert arrows(graph) == {("check", "yes_task", "yes"), ("yes_task", "end", ""), ("check", "end", "no")}


def test_targets_of_a_switch_are_not_chained():
    tasks = {
        "sw": {"operator_type": "switch", "switch_on": "{{kind}}", "cases": {"cat": "a", "dog": "b"}, "default": "c"},
        "a": {"operator_type": "task", "dependencies": ["sw"]},
        "b": {"operator_type": "task", "dependencies": ["a"]},
        "c": {"operator_type": "task", "dependencies": ["b"]},
    }
    assert arrows(read_graph({"tasks": tasks})) == {("sw", "a", "cat"), ("sw", "b", "dog"), ("sw", "c", "otherwise")}


def test_a_fork_is_a_frame_with_a_frame_for_each_branch():
    graph = graph_of(
        lambda b: b.parallel(
            "fork",
            {
                "stock": lambda w: w.task("s1", "tools.log.info").task("s2", "tools.log.info"),
                "ship": lambda w: w.task("z", "tools.log.info"),
            },
        ).task("after", "tools.log.info")
    )
    fork = graph.children[0]
    assert [branch.id for branch in fork.children] == ["fork.stock", "fork.ship"]
    assert [step.id for step in fork.children[0].children] == ["fork.stock/s1", "fork.stock/s2"]
    assert arrows(graph) == {("fork", "after", "")}


def test_loop_bodies_stand_in_their_loop_only():
    graph = graph_of(
        lambda b: b.foreach(
            "each", "{{items}}", lambda w: w.task("one", "tools.log.info").task("two", "tools.log.info")
        ).while_loop("again", "{{n}} < 3", lambda w: w.task("inc", "tools.log.info").task("dec", "tools.log.info"))
    )
    assert [child.id for child in graph.children] == ["each", "again"]
    assert [step.id for step in graph.children[0].children] == ["each/one", "each/two"]
    assert ("again/dec", "again/inc", "") in arrows(graph.children[1])
    assert [edge.kind for edge in graph.children[1].edges] == ["flow", "back"]


@pytest.mark.parametrize("said", [{"needed": 2}, {"metadata": {"needed": 2}}])
def test_a_loop_tells_how_many_of_its_rounds_are_needed(said):
    loop = {"operator_type": "foreach", "items": "{{ shops }}", "loop_body": [{"task_id": "a"}]}
    labels = [read_graph({"tasks": {"each": loop | more}}).children[0].label for more in (said, {})]
    assert labels == ["for each item of shops, 2 needed", "for each item of shops"]


def test_a_failure_handler_hangs_on_its_owner():
    tasks = {
        "risky": {"operator_type": "task", "on_failure_task_id": "undo"},
        "undo": {"operator_type": "task", "dependencies": ["risky"]},
    }
    graph = read_graph({"tasks": tasks})
    assert [(edge.kind, edge.label) for edge in graph.edges] == [("handler", "on failure")]


@pytest.mark.parametrize("definition", [{}, {"tasks": []}, {"tasks": {"x": {"operator_type": "from_the_future"}}}])
def test_a_strange_definition_is_still_drawn(definition):
    assert read_graph(definition).kind == "root"


@pytest.mark.parametrize(
    ("wait_for", "note"),
    [
        ("PT0.5S", "wait 500 ms"),
        ("PT1H30M", "wait 1 h 30 min"),
        ("P1D", "wait 24 h 0 min"),
        ("{{ until }}", "wait until"),
        ("P", "wait P"),
    ],
)
def test_a_wait_tells_its_time_in_words(wait_for, note):
    graph = read_graph({"tasks": {"nap": {"operator_type": "wait", "wait_for": wait_for}}})
    assert graph.children[0].note == note


def test_steps_come_in_an_order_in_which_they_can_run():
    tasks = {
        "a_last": {"operator_type": "task", "dependencies": ["z_first", "middle"]},
        "middle": {"operator_type": "task", "dependencies": ["z_first"]},
        "z_first": {"operator_type": "task"},
    }
    assert [child.id for child in read_graph({"tasks": tasks}).children] == ["z_first", "middle", "a_last"]


@pytest.mark.parametrize("kind", ["task", "condition"])
def test_a_long_definition_is_read_in_time_that_grows_with_it_alone(kind):
    tasks = {
        f"t{number}": {
            "operator_type": kind,
            "condition": "x",
            "if_true": f"t{number + 1}",
            "dependencies": [f"t{before}" for before in range(max(0, number - 2), number)],
        }
        for number in range(20_000)
    }
    begin = time.process_time()
    assert len(read_graph({"tasks": tasks}).children) == 20_000
    assert time.process_time() - begin < 8
