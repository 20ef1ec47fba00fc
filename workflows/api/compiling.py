"""Compiling sources: what a definition makes, or everything that is wrong with it and where. Nothing is stored and nothing is run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.errors import ApiError, Detail
from highway_platform.kit.rest.router import requires

from ..compiling import schemas
from ..compiling.presenters import compilation, problems
from ..compiling.source import Compilation, compile_source
from ..sources import CheckedSource
from .router import router


@router.post("/workflows/compile", url_name="workflow-compile", tags=["workflows"])
@requires("workflows.run:submit")
def compile_workflow(request: Request, body: schemas.CompileBody) -> dict[str, Any]:  # noqa: ARG001 - no tenant's rows
    """The definition that a source makes, in canonical form, with its hash, its warnings and its graph.

    A source that makes none is answered with 422 and all its problems: path, code, message, and line and column where they can be told.
    """
    made = compile_source(body.source, body.source_format, body.inputs)
    return success(compilation(_sound(made, "$.source"), made.problems))


@router.post("/dsl_to_json", url_name="dsl-to-json", tags=["dsl_templates"])
@requires("workflows.run:submit")
def dsl_to_json(request: Request, body: schemas.CodeBody) -> dict[str, Any]:  # noqa: ARG001 - no tenant's rows
    """The definition that Python DSL code makes, as JSON; refused as `compile` refuses it."""
    made = compile_source(body.code, "python")
    return success({"workflow_definition": _sound(made, "$.code").definition})


def _sound(made: Compilation, field: str) -> CheckedSource:
    """The checked definition, or the answer that says what is wrong. ``field`` is where the body has the source."""
    if made.checked is not None:
        return made.checked
    details = [Detail(field, problem.code, problem.told) for problem in made.problems]
    raise ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_definition",
        made.problems[0].told,
        details=details,
        extra={"problems": problems(made.problems)},
    )
