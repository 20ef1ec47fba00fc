"""What is sent to be compiled."""

from __future__ import annotations

from pydantic import Field

from ..schemas import Body
from ..sources import SourceFormat


class CompileBody(Body):
    """A source in one of its three forms."""

    source: str = Field(description="the definition as its author wrote it")
    source_format: SourceFormat = "python"
    inputs: list[str] | None = Field(
        None,
        max_length=1_000,
        description="names of the inputs a run will be given: a template that needs another is an error then",
    )


class CodeBody(Body):
    """Python DSL code."""

    code: str
