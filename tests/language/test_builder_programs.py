"""Random programs of the public builder: in JSON and in YAML they are to us what their author wrote, and what we keep is theirs again."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
from highway_dsl import Workflow
from hypothesis import HealthCheck, given, settings

from engine.interpreter import compile_program
from engine.language import Definition, canonical_json, check, definition_hash, read_definition, read_json, read_yaml
from engine.language.definition import Operator
from engine.language.durations import parse_duration
from engine.language.edges import Edges, resolve_edges
from engine.language.scopes import Scope, scope_of
from tests.language.meaning import Graph, graphs
from tests.language.plans import Item, everywhere, plans
from tests.language.writing import write

EXAMPLES = 200
CALL = {"function": "tools.x", "args": [], "kwargs": {}}
FIELDS = (
    "function",
    "args",
    "kwargs",
    "result_key",
    "idempotency_key",
    "description",
    "metadata",
    "switch_on",
    "cases",
    "default",
)
MORE_FIELDS = (
    "event_name",
    "payload",
    "generator",
    "verifier",
    "max_turns",
    "status",
    "reason",
    "minimum_branches",
    "join_mode",
    "parallel",
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_a_program_of_the_builder_is_read_as_it_was_written(plan: list[Item]) -> None:
    assert_read_as_written(plan)


def assert_read_as_written(plan: list[Item]) -> None:
    """Everything that must hold of a plan."""
    built = write(plan).build()
    value = read_json(built.to_json())
    definition = read_definition(value)
    assert [problem for problem in check(value) if problem.severity == "error"] == []
    assert_same_graphs(plan, definition)
    assert_same_settings(plan, definition)
    assert_one_identity(built, value, definition)
    compile_program(definition)


def assert_same_graphs(plan: list[Item], definition: Definition) -> None:
    """Each task stands in its own graph and in no other, and comes after what its author put before it."""
    found = {(scope.kind, scope.owner, scope.name): scope for scope in scope_of(definition).walk()}
    expected = {(graph.kind, graph.owner, graph.name): graph for graph in graphs(plan)}
    assert found.keys() == expected.keys()
    for place, graph in expected.items():
        scope = found[place]
        assert set(scope.entries) == set(graph.tasks)
        assert len(graph.tasks) == len(scope.entries)
        assert scope.repeated == ()
        resolved = resolve_edges(scope.operators)
        assert edges(scope.operators, resolved) == graph.edges
        assert_sides(scope, resolved, graph)


def edges(operators: list[Operator], resolved: Edges) -> set[tuple[str, str, str]]:
    return {
        (operators[edge.source].task_id, operators[edge.target].task_id, f"{edge.kind.name} {edge.handles}".strip())
        for edge in resolved.edges
    }


def assert_sides(scope: Scope, resolved: Edges, graph: Graph) -> None:
    """The sides of a condition share no task, and each holds what its author wrote into it, one task after the other."""
    ids = [operator.task_id for operator in scope.operators]
    found: dict[str, list[set[str]]] = {}
    for side in resolved.sides:
        found.setdefault(ids[side.choice], []).append({ids[task] for task in side.reached})
    for choice, sides in graph.sides.items():
        for written in sides.values():
            (holding,) = [side for side in found[choice] if written[0] in side]
            chained = graph.chained(written[0], written)
            assert chained <= holding
            assert all(not chained & other for other in found[choice] if other is not holding)


def assert_same_settings(plan: list[Item], definition: Definition) -> None:
    """Every argument of every call of the builder is found again."""
    operators = {each.task_id: each for scope in scope_of(definition).walk() for each in scope.operators}
    for item in everywhere(plan):
        operator: Any = operators[item.id]
        assert operator.operator_type == {"while_loop": "while", "parallel_with_join": "parallel"}.get(
            item.kind, item.kind
        )
        assert operator.trigger_rule == item.options.get("trigger_rule", "all_success")
        for name in (*FIELDS, *MORE_FIELDS):
            if name in item.options:
                assert getattr(operator, name) == item.options[name], (item.id, name)
        assert_policies(item, operator)
        if item.kind == "wait":
            assert_wait(item.options["wait_for"], operator.wait_for)
        if item.kind == "child_workflow":
            assert operator.children[item.id].inputs == item.options["inputs"]


def assert_policies(item: Item, operator: Any) -> None:
    retry, timeout = item.settings.get("retry"), item.settings.get("timeout")
    if retry is not None:
        found = operator.retry_policy
        assert (found.max_retries, found.backoff_factor) == (retry["max_retries"], retry["backoff_factor"])
        assert found.delay == pytest.approx(retry["delay"].total_seconds(), abs=1e-5)
    if timeout is not None:
        assert operator.timeout_policy.timeout == pytest.approx(timeout["timeout"].total_seconds(), abs=1e-5)
        assert operator.timeout_policy.kill_on_timeout is timeout["kill_on_timeout"]
    assert operator.on_success_task_id == item.settings.get("on_success")
    assert operator.on_failure_task_id == item.settings.get("on_failure")
    for name in ("precondition", "postcondition"):
        guards = [(each.variable, each.check, each.value) for each in getattr(operator, f"{name}s")]
        assert guards == ([item.settings[name]] if name in item.settings else [])


def assert_wait(written: Any, found: Any) -> None:
    if isinstance(written, timedelta):
        assert parse_duration(found) == pytest.approx(written.total_seconds(), abs=1e-5)
    else:
        assert (datetime.fromisoformat(found) if isinstance(written, datetime) else found) == written


def assert_one_identity(built: Workflow, value: Any, definition: Definition) -> None:
    """JSON and YAML are one definition; its canonical form stays the same when it is read again, and their library reads it."""
    from_yaml = read_yaml(built.to_yaml())
    assert read_definition(from_yaml) == definition
    assert definition_hash(from_yaml) == definition_hash(value)
    text = canonical_json(value)
    again = read_json(text)
    assert canonical_json(again) == text
    assert read_definition(again) == definition
    theirs = Workflow.from_json(text)
    assert set(theirs.tasks) == set(built.tasks)


def test_a_task_that_depends_on_nothing_inside_a_side_waits_for_the_condition() -> None:
    """The builder has no other way to write it than as a task behind the condition, on whichever side."""
    inner = [Item("task", "first", None, CALL), Item("task", "loose", [], CALL)]
    assert_read_as_written([Item("condition", "c", None, {"condition": "1 == 1"}, {"if_true": inner})])


def test_a_setting_that_is_null_is_one_that_is_missing_and_null_in_data_is_a_value() -> None:
    first = {"name": "w", "tasks": {"a": {"operator_type": "task", "function": "tools.x", "kwargs": {"x": 1}}}}
    second: Any = copy.deepcopy(first)
    second["schedule"] = second["tasks"]["a"]["retry_policy"] = None
    assert definition_hash(first) == definition_hash(second)
    second["tasks"]["a"]["kwargs"]["y"] = None
    assert definition_hash(first) != definition_hash(second)
