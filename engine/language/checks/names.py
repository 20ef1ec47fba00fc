"""Expressions that do not parse, and names in them that nothing can ever give a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from engine.language.checks.sources import Source, sources
from engine.language.checks.texts import parse, texts
from engine.language.definition import Definition, MultiChoice, Operator, Parallel, Task, While
from engine.language.expressions import ExpressionSyntaxError
from engine.language.hints import Hints
from engine.language.problems import Problem
from engine.language.scopes import Scope

ROOTS = frozenset({"inputs", "run", "workflow_run_id", "ds", "env", "secrets"})
LOOP_NAMES = {"foreach": frozenset({"item", "current_item", "loop"}), "while": frozenset({"loop"})}
HANDLER_NAMES = frozenset({"failed_task_id", "error_message"})
SETTERS = frozenset({"tools.memory.set", "tools.memory.append"})
FREE_SETTERS = ("tools.python.", "apps.")


def set_names(operator: Operator) -> tuple[frozenset[str], bool]:
    """(variables the operator's tool sets, whether it may set others that nobody can know)."""
    if not isinstance(operator, Task):
        return frozenset(), False
    if operator.function.startswith(FREE_SETTERS):
        return frozenset(), True
    if operator.function not in SETTERS:
        return frozenset(), False
    name = operator.kwargs.get("name", operator.args[0] if operator.args else None)
    if isinstance(name, str) and "{{" not in name and "${" not in name:
        return frozenset({name}), False
    return frozenset(), True


def produced_names(scope: Scope) -> frozenset[str]:
    """Names that the tasks of a scope leave behind, those of loops in it included."""
    found: set[str] = set()
    pending = [scope]
    while pending:
        each = pending.pop()
        for task_id, entry in each.entries.items():
            found.add(task_id)
            if entry.operator.result_key is not None:
                found.add(entry.operator.result_key)
        pending.extend(inner for inner in each.inner if inner.kind == "loop")
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Visible:
    """Names in layers, so that a graph inside others does not copy what it shares with them."""

    layers: tuple[Collection[str], ...]

    def __contains__(self, name: str) -> bool:
        return any(name in layer for layer in self.layers)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.layers)

    def with_names(self, names: Collection[str]) -> Visible:
        """These names and more."""
        return Visible((*self.layers, names))


class KnownNames:
    """What can be known of a definition's names. ``certain`` is false when something may set variables that nobody can foresee."""

    def __init__(self, definition: Definition, root: Scope, inputs: Collection[str] | None) -> None:
        self.common = {*ROOTS, *definition.variables, *(inputs or ())}
        self._produced: dict[int, frozenset[str]] = {}
        self.certain = inputs is not None
        for scope in root.walk():
            for operator in scope.operators:
                names, others = set_names(operator)
                self.common |= names
                self.certain = self.certain and not others
                if operator.on_failure_task_id is not None:
                    self.common |= HANDLER_NAMES
                if isinstance(operator, (Parallel, MultiChoice)):
                    for branch in operator.branch_workflows.values():
                        self.common |= branch.variables.keys()

    def visible(self, scope: Scope) -> Visible:
        """All names that a task of this scope may see."""
        layers: list[Collection[str]] = [self.common]
        each: Scope | None = scope
        while each is not None:
            layers.append(self._produced_by(each))
            if each.kind == "loop" and each.outer is not None:
                layers.append(LOOP_NAMES[each.outer.entries[each.owner].operator.operator_type])
            each = each.outer
        return Visible(tuple(layers))

    def _produced_by(self, scope: Scope) -> frozenset[str]:
        found = self._produced.get(id(scope))
        if found is None:
            found = self._produced[id(scope)] = produced_names(scope)
        return found


def problems(scope: Scope, known: KnownNames, hints: Hints) -> Iterator[Problem]:
    """Everything wrong with the expressions of one scope."""
    visible = known.visible(scope)
    for entry in scope.entries.values():
        own = visible.with_names(LOOP_NAMES["while"]) if isinstance(entry.operator, While) else visible
        for source in sources(entry.operator, entry.path):
            yield from _source_problems(source, own, hints, certain=known.certain)


def _source_problems(source: Source, visible: Visible, hints: Hints, *, certain: bool) -> Iterator[Problem]:
    for path, text in texts(source):
        try:
            roots = parse(source, text).required_roots
        except ExpressionSyntaxError as error:
            code = "bad_template" if source.kind == "value" else "bad_condition"
            yield Problem(path, code, str(error))
            continue
        for root in sorted(root for root in roots if root not in visible):
            message = f"nothing is called '{root}' here" + hints.offer(root, visible)
            yield Problem(path, "unknown_name", message, "error" if certain else "warning")
