"""The definition that a request brings with it: read, compiled and checked in one way for every route that takes one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from highway_platform.kit.permissions import Grant
from highway_platform.kit.rest.errors import ApiError, Detail

from ..compiling.presenters import problems
from ..compiling.source import Compilation, compile_definition, compile_source
from ..schemas import WRITTEN, WrittenBody
from ..sources import CheckedSource, Problem

Inputs = Collection[str] | None


def checked_written(grant: Grant, body: WrittenBody, inputs: Inputs = None) -> CheckedSource | None:
    """The body's checked definition, for runs that are given inputs of these names; none when the body brings no definition.

    Compiling may take seconds, so this comes before any connection is taken. Raises the `ApiError` that says all that is wrong.
    """
    for field in WRITTEN:
        if (given := getattr(body, field)) is not None:
            return sound(_READERS[field](grant, given, inputs), field)
    return None


def sound(made: Compilation, field: str) -> CheckedSource:
    """What was made, its warnings with their places; or the answer that says what is wrong. ``field`` is where the body has the definition."""
    if made.checked is not None:
        return replace(made.checked, warnings=tuple(made.problems))
    details = [_detail(problem, field) for problem in made.problems]
    raise ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_definition",
        f"{details[0].path}: {details[0].message}",
        details=details,
        extra={"problems": problems(made.problems)},
    )


def _detail(problem: Problem, field: str) -> Detail:
    at = f"line {problem.line}, column {problem.column}: " if problem.line else ""
    return Detail(f"$.{field}{problem.path[1:]}", problem.code, f"{at}{problem.message}")


_READERS: dict[str, Callable[[Grant, Any, Inputs], Compilation]] = {
    "workflow_definition": lambda grant, value, inputs: compile_definition(value, inputs, grant.tenant_id),
    "python_dsl": lambda _, source, inputs: compile_source(source, "python", inputs),
    "yaml": lambda _, source, inputs: compile_source(source, "yaml", inputs),
}
