"""Compiling sources: what a definition makes, or everything that is wrong with it and where. Nothing is stored and nothing is run."""

from __future__ import annotations

from typing import Any

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import success
from highway_platform.kit.rest.router import requires

from ..compiling import schemas
from ..compiling.presenters import compilation
from ..compiling.source import compile_source
from .router import router
from .written import checked_written, sound


@router.post("/workflows/compile", url_name="workflow-compile", tags=["workflows"])
@requires("workflows.run:submit")
def compile_workflow(request: Request, body: schemas.CompileBody) -> dict[str, Any]:
    """The definition that a source makes, in canonical form, with its hash, its warnings and its graph.

    It is brought as a submission brings it (`workflow_definition`, `python_dsl` or `yaml`), or as a `source` with its `source_format`.
    A source that makes none is answered with 422 and all its problems: path, code, message, and line and column where they can be told.
    """
    checked = checked_written(request.grant, body, body.inputs)
    if checked is None:  # so the body has a source, as its schema promises
        checked = sound(compile_source(body.source or "", body.source_format, body.inputs), "source")
    return success(compilation(checked))


@router.post("/dsl_to_json", url_name="dsl-to-json", tags=["dsl_templates"])
@requires("workflows.run:submit")
def dsl_to_json(request: Request, body: schemas.CodeBody) -> dict[str, Any]:  # noqa: ARG001 - no tenant's rows
    """The definition that Python DSL code makes, as JSON; refused as `compile` refuses it."""
    return success({"workflow_definition": sound(compile_source(body.code, "python"), "code").definition})
