"""What is sent to be compiled."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..schemas import WRITTEN, Body, WrittenBody
from ..sources import SourceFormat


class CompileBody(WrittenBody):
    """A definition in exactly one of the three forms that a submission takes, or as a ``source`` with its format."""

    source: str | None = Field(None, description="the definition as its author wrote it, in any of the forms")
    source_format: SourceFormat = Field("python", description="only with source")
    inputs: list[str] | None = Field(
        None,
        max_length=1_000,
        description="names of the inputs a run will be given: a template that needs another is an error then",
    )

    @model_validator(mode="after")
    def names_one_source(self) -> CompileBody:
        """Exactly one form brings the definition."""
        self.name_one((*WRITTEN, "source"))
        if self.source is None and "source_format" in self.model_fields_set:
            raise ValueError("source_format says what source is; the other forms say it by their names")
        return self


class CodeBody(Body):
    """Python DSL code."""

    code: str
