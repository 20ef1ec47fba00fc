"""What the language has and this version does not act on yet: said, and not passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.definition import MultiChoice, Operator, Parallel
from engine.language.problems import Problem, join_path
from engine.language.scopes import Scope


def problems(scope: Scope) -> Iterator[Problem]:
    """A warning for every setting that has no effect yet."""
    for entry in scope.entries.values():
        for part, message in _without_effect(entry.operator):
            yield Problem(join_path(entry.path, *part), "no_effect_yet", message, "warning")


def _without_effect(operator: Operator) -> Iterator[tuple[tuple[str, ...], str]]:
    if operator.metadata.get("on_exhausted") not in (None, "pause", "fail"):
        yield (
            ("metadata", "on_exhausted"),
            "'pause' and 'fail' (the default) are what can be done when retries are spent",
        )
    if isinstance(operator, (Parallel, MultiChoice)) and operator.timeout is not None:
        yield ("timeout",), "branches have no time limit of their own yet: give one to the task that waits for them"
