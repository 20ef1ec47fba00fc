"""Circuit breakers: which resource they guard, and whether anything is called that they could guard."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.language.definition import Activity, Operator, Task
from engine.language.problems import Problem, join_path
from engine.language.scopes import Scope

RESOURCE = re.compile(r"[A-Za-z0-9_.:@*+-]{1,200}", re.ASCII)
SCOPES = ("tenant", "workflow")


def problems(scope: Scope) -> Iterator[Problem]:
    """What is wrong with the settings of the breakers of one scope."""
    for entry in scope.entries.values():
        if entry.operator.circuit_breaker_policy is not None:
            yield from _problems(entry.operator, entry.path)


def _problems(operator: Operator, path: str) -> Iterator[Problem]:
    if not isinstance(operator, Task | Activity):
        message = "only tasks and activities call something that a circuit breaker can guard"
        yield Problem(join_path(path, "circuit_breaker_policy"), "no_effect", message, "warning")
    resource = operator.metadata.get("resource")
    if resource is not None and not (isinstance(resource, str) and RESOURCE.fullmatch(resource)):
        message = "a resource is named by up to 200 letters, digits and any of _ . : @ * + -"
        yield Problem(join_path(path, "metadata", "resource"), "bad_resource", message)
    kept_to = operator.metadata.get("circuit_breaker_scope")
    if kept_to is not None and kept_to not in SCOPES:
        message = f"a circuit breaker belongs to one of: {', '.join(SCOPES)}"
        yield Problem(join_path(path, "metadata", "circuit_breaker_scope"), "bad_scope", message)
