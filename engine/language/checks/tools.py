"""Tools that the platform or the tenant does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.language.definition import Activity, Reflexive, Task
from engine.language.expressions.errors import did_you_mean
from engine.language.hints import Hints
from engine.language.problems import Problem, join_path
from engine.language.scopes import Scope


def problems(scope: Scope, known: Collection[str], hints: Hints) -> Iterator[Problem]:
    """Every function that names no known tool, with the nearest names."""
    for entry in scope.entries.values():
        operator = entry.operator
        if isinstance(operator, (Task, Activity)):
            named: list[tuple[tuple[str, ...], str]] = [(("function",), operator.function)]
            if operator.compensation is not None:
                named.append((("compensation", "function"), operator.compensation.function))
        elif isinstance(operator, Reflexive):
            named = [(("generator",), operator.generator), (("verifier",), operator.verifier)]
        else:
            continue
        for part, tool in named:
            if tool not in known:
                yield _unknown(join_path(entry.path, *part), tool, known, hints)


def _unknown(path: str, tool: str, known: Collection[str], hints: Hints) -> Problem:
    if tool.startswith("apps."):
        return Problem(path, "app_not_installed", f"'{tool}' is no action of an app that is installed here")
    hint = did_you_mean([f"tools.{tool}"]) if f"tools.{tool}" in known else hints.offer(tool, known)
    return Problem(path, "unknown_tool", f"there is no tool '{tool}'" + hint)
