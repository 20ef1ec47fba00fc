"""What can be asked and said about approvals."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

from ..schemas import Body

Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]


class ApprovalQuery(Schema):
    """Which questions to list."""

    status: Literal["pending", "all"] = Field("all", description="pending: those that wait for somebody")
    workflow_run_id: uuid.UUID | None = None
    page_size: int = Field(50, ge=1, le=200)
    cursor: uuid.UUID | None = None


class DecisionBody(Body):
    """What is said with a vote, for the others and for the run."""

    comment: Comment = ""
