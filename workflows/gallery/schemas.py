"""How templates are asked for."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import Field, StringConstraints

Words = Annotated[str, StringConstraints(max_length=200)]


class TemplateQuery(Schema):
    """Which templates."""

    q: Words = Field("", description="words that all stand in its name, title, description, tags, operators or tools")
    tag: Words = Field("", description="one of the tags")
