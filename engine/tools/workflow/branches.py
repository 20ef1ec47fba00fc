"""Wait for or cancel the branches that a parallel operator forked."""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from engine.durable.tool_context import ToolContext
from engine.model.requests import AwaitBranches, CancelBranches, Request
from engine.tools.errors import ToolInputError
from engine.tools.spec import ToolInput

Seconds = Annotated[float, Field(gt=0, le=366 * 86_400, allow_inf_nan=False)]


class ForkData(BaseModel):
    """The result of a `parallel` or `multi_choice` operator: each branch's name and the key of its task."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    fork: str = ""
    branches: dict[str, str]


class ForkInput(ToolInput):
    """All branches of one fork."""

    fork_data: ForkData
    timeout_seconds: Seconds | None = None


class BranchInput(ToolInput):
    """One branch of a fork, by its name."""

    fork_data: ForkData
    branch_name: str


class WaitForBranchInput(BranchInput):
    """One branch of a fork, and how long to wait for it."""

    timeout_seconds: Seconds | None = None


def wait_for_parallel_branches(_ctx: ToolContext, given: ForkInput) -> Request:
    """Wait until every branch of a fork is over. Returns ``{branch: {"status", "result", "error"}}``; a failed branch fails the step."""
    return AwaitBranches(names=dict(given.fork_data.branches), timeout_seconds=given.timeout_seconds)


def wait_for_branch(_ctx: ToolContext, given: WaitForBranchInput) -> Request:
    """Wait until one branch of a fork is over. Returns its ``{"status", "result", "error"}``; a failed branch fails the step."""
    key = _branch_key(given)
    return AwaitBranches(names={given.branch_name: key}, timeout_seconds=given.timeout_seconds, single=True)


def cancel_branch(_ctx: ToolContext, given: BranchInput) -> Request:
    """Cancel one branch of a fork; one that is over is left alone. Returns ``{"cancelled": [task keys]}``."""
    return CancelBranches(keys=[_branch_key(given)])


def _branch_key(given: BranchInput) -> str:
    branches = given.fork_data.branches
    # The builder lower-cases branch names when it writes them down; authors go on using their own spelling.
    key = branches.get(given.branch_name) or branches.get(given.branch_name.lower())
    if key is None:
        near = difflib.get_close_matches(given.branch_name, branches, n=3) or sorted(branches)[:5]
        raise ToolInputError(f"the fork has no branch {given.branch_name!r}; it has {', '.join(near) or 'none'}")
    return key
