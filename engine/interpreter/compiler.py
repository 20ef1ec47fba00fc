"""Compiles a definition: templates parsed, dependencies resolved, every inner graph prepared. Done once per definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.interpreter.edges import connect
from engine.interpreter.graph import Graph, Node
from engine.interpreter.program import Program
from engine.language.definition import Activity, Definition, MultiChoice, Operator, Parallel, Reflexive, RetryPolicy
from engine.language.scopes import Scope, scope_of
from engine.model.json import JsonObject
from engine.operators import OPERATORS
from engine.operators.kit.base import Site
from engine.operators.kit.guards import CompiledGuard
from engine.operators.reflexive import as_activity
from engine.operators.task import TaskOperator


def compile_program(definition: Definition) -> Program:
    """The program of a definition that `engine.language.check` found without errors. Raises ExpressionSyntaxError otherwise."""
    graph = _compile_scope(scope_of(definition), _Place((), definition.default_retry_policy))
    return Program(graph, "workflow", dict(definition.variables))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a scope stands: the path to it, and the retry policy of tasks without one."""

    path: tuple[str, ...]
    default_retry: RetryPolicy | None

    def inside(self, *parts: str) -> _Place:
        return _Place((*self.path, *parts), self.default_retry)


def _compile_scope(scope: Scope, place: _Place, variables: JsonObject | None = None) -> Graph:
    inner: dict[str, list[Scope]] = {}
    for inner_scope in scope.inner:
        inner.setdefault(inner_scope.owner, []).append(inner_scope)
    operators = scope.operators
    nodes = [_compile_node(index, each, inner.get(each.task_id, ()), place) for index, each in enumerate(operators)]
    connect(operators, nodes)
    roots: frozenset[str] = frozenset().union(*(node.roots for node in nodes))
    return Graph(nodes, {node.task_id: node.index for node in nodes}, dict(variables or {}), roots)


def _compile_node(index: int, operator: Operator, inner: Sequence[Scope], place: _Place) -> Node:
    here = place.inside(operator.task_id)
    branches: Mapping[str, Graph] = {}
    body = activity = None
    if isinstance(operator, (Parallel, MultiChoice)):
        branches = {
            scope.name: _compile_scope(scope, here.inside(scope.name), operator.branch_workflows[scope.name].variables)
            for scope in inner
        }
    elif isinstance(operator, (Activity, Reflexive)):
        activity = _activity_graph(operator, here)
    elif inner:
        body = _compile_scope(inner[0], here)
    site = Site(
        here.path,
        place.default_retry,
        branch_roots={name: graph.roots for name, graph in branches.items()},
        branch_variables={name: graph.variables for name, graph in branches.items()},
        body_roots=body.roots if body else frozenset(),
    )
    return Node(
        index=index,
        task_id=operator.task_id,
        operator_type=operator.operator_type,
        operator=OPERATORS[operator.operator_type](operator, site),
        result_key=operator.result_key,
        trigger_rule=operator.trigger_rule,
        preconditions=tuple(CompiledGuard(guard) for guard in operator.preconditions),
        postconditions=() if activity else _postconditions(operator),
        body=body,
        branches=branches,
        activity=activity,
    )


def _activity_graph(operator: Activity | Reflexive, place: _Place) -> Graph:
    """The one-task program of an activity: its tool call with its own policies."""
    definition = as_activity(operator) if isinstance(operator, Reflexive) else operator
    call = TaskOperator(definition, Site(place.path, place.default_retry))
    node = Node(0, definition.task_id, "task", call, definition.result_key, "all_success")
    node.postconditions = _postconditions(definition)
    return Graph([node], {definition.task_id: 0}, {}, call.roots)


def _postconditions(operator: Operator) -> tuple[CompiledGuard, ...]:
    return tuple(CompiledGuard(guard) for guard in operator.postconditions)
