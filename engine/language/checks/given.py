"""``{{inputs.name}}`` against the inputs that a run will have: the workflow's ``variables`` (its defaults) and what the run is given.

Nothing is said of a workflow that declares none and whose inputs are not known, nor of a name that its author treats as one
that may be missing: with a ``default(...)``, in a condition ``exists``, or looked for in ``inputs``, anywhere in the definition.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeAlias

from engine.language.checks.names import produced_names
from engine.language.checks.sources import sources
from engine.language.checks.texts import parse, texts
from engine.language.checks.warnings import used_names
from engine.language.definition import Definition
from engine.language.expressions import Condition, ExpressionSyntaxError, Template
from engine.language.expressions.nodes import Comparison, Length, Literal, Node, parts_of
from engine.language.expressions.paths import Path
from engine.language.expressions.templates import Reference
from engine.language.hints import Hints
from engine.language.problems import Problem
from engine.language.scopes import Scope

Expressions: TypeAlias = list[tuple[str, Template | Condition]]
ROOT = "inputs"
_INPUT = re.compile(r"\binputs\.([A-Za-z0-9_-]+)", re.ASCII)
# What the platform itself gives: to runs of schedules, of batches, of `tools.cron.durable_cron`, of goals.
GIVEN_BY_US = frozenset(
    {"scheduled_time", "ds", "items", "tick", "scheduled_at", "goal", "parent_goal", "index", "inputs"}
)


def problems(definition: Definition, root: Scope, given: Collection[str] | None, hints: Hints) -> Iterator[Problem]:
    """A warning for every input that is needed and that no run will have. ``given`` are the names a run is given, where they are known."""
    if (given is None and not definition.variables) or _is_shadowed(definition, root):
        return
    known = {*definition.variables, *(given or ())}
    found = [(path, made) for path, made in _expressions(root)]
    missing = [(path, name) for path, made in found for name in _needed(made) if name not in known | GIVEN_BY_US]
    if not missing or (given is None and not _declares(definition, root, found)):
        return
    optional = {name for _, made in found for name in _optional(made)} | _guarded(root)
    said = "is given to" if given is not None else "is declared by the variables of"
    for path, name in missing:
        if name not in optional and None not in optional:
            message = f"no input '{name}' {said} this workflow" + hints.offer(name, known)
            yield Problem(path, "unknown_input", message, "warning")


def _declares(definition: Definition, root: Scope, found: Expressions) -> bool:
    """Whether the variables are there for inputs: one is read by way of ``inputs``, or not by its bare name. Others are a loop's state."""
    read = {_input_of(each) for _, made in found for each in made.references}
    bare = used_names(root)
    return any(name in read or name not in bare for name in definition.variables)


def _is_shadowed(definition: Definition, root: Scope) -> bool:
    """Whether a task, a result or a variable is called ``inputs`` itself."""
    return ROOT in definition.variables or any(ROOT in produced_names(scope) for scope in root.walk())


def _expressions(root: Scope) -> Iterator[tuple[str, Template | Condition]]:
    """Every expression that has to do with inputs, with its path. What does not parse has a problem of its own."""
    for scope in root.walk():
        for entry in scope.entries.values():
            for source in sources(entry.operator, entry.path):
                for path, text in texts(source):
                    if ROOT in text:
                        try:
                            yield path, parse(source, text)
                        except ExpressionSyntaxError:
                            continue


def _needed(made: Template | Condition) -> list[str]:
    """The inputs without which it has no value, in order, each once."""
    names = (_input_of(each) for each in made.references if not each.has_default)
    return list(dict.fromkeys(name for name in names if name is not None))


def _optional(made: Template | Condition) -> Iterator[str | None]:
    """The inputs that may be missing, as the expression shows; None when it looks for names that cannot be told."""
    yield from (name for each in made.references if each.has_default and (name := _input_of(each)) is not None)
    if isinstance(made, Condition):
        yield from _looked_for(made.node)


def _guarded(root: Scope) -> set[str | None]:
    """Inputs that some task's condition `exists` is about."""
    guards = [
        guard
        for scope in root.walk()
        for operator in scope.operators
        for guard in (*operator.preconditions, *operator.postconditions)
    ]
    named = (guard.variable for guard in guards if guard.check == "exists")
    return {name.group(1) for text in named if (name := _INPUT.search(text))}


def _looked_for(condition: Node) -> Iterator[str | None]:
    for node in parts_of(condition):
        if isinstance(node, Length) and _is_all_inputs(node.item):
            yield None
        elif isinstance(node, Comparison) and node.sign in {"in", "not in", "contains"}:
            item, holder = (node.right, node.left) if node.sign == "contains" else (node.left, node.right)
            if _is_all_inputs(holder):
                yield item.value if isinstance(item, Literal) and isinstance(item.value, str) else None


def _is_all_inputs(node: Node) -> bool:
    if isinstance(node, Template):
        return len(node.parts) == 1 and all(_is_root(each.path) for each in node.references)
    return isinstance(node, Path) and _is_root(node)


def _is_root(path: Path) -> bool:
    return path.root == ROOT and not path.segments


def _input_of(reference: Reference) -> str | None:
    path = reference.path
    if path.root != ROOT or not path.segments:
        return None
    return str(path.segments[0])
