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
    """All branches of one fork, how many of them to wait for, and how long."""

    fork_data: ForkData
    timeout_seconds: Seconds | None = None
    needed: Annotated[int, Field(ge=1)] | None = None


class BranchInput(ToolInput):
    """One branch of a fork, by its name."""

    fork_data: ForkData
    branch_name: str


class WaitForBranchInput(ToolInput):
    """A branch of a fork, or several of which the first counts, and how long to wait."""

    fork_data: ForkData
    branch_name: str | Annotated[list[str], Field(min_length=1)]
    timeout_seconds: Seconds | None = None


def wait_for_parallel_branches(_ctx: ToolContext, given: ForkInput) -> Request:
    """Wait until the branches of a fork are over, or ``needed`` of them. Returns ``{branch: {"status", "result", "error"}}``.

    A branch that has failed or was cancelled by then fails the step. When fewer than all are needed, the others have the status running and go on:
    the run waits for them at its end, where one that fails then fails the run, or `tools.workflow.cancel_branch` ends them.
    """
    names = dict(given.fork_data.branches)
    if given.needed is not None and given.needed > len(names):
        raise ToolInputError(f"{given.needed} branches are needed, and the fork has {len(names)}")
    return AwaitBranches(names=names, needed=given.needed, timeout_seconds=given.timeout_seconds)


def wait_for_branch(_ctx: ToolContext, given: WaitForBranchInput) -> Request:
    """Wait until one branch of a fork is over. Returns its ``{"status", "result", "error"}``; a failed branch fails the step.

    With a list of names, wait for the first of them; returns ``{branch: {"status", "result", "error"}}`` of all that are named, and those that have
    not ended have the status running and go on, as with `tools.workflow.wait_for_parallel_branches`.
    """
    several = isinstance(given.branch_name, list)
    asked = given.branch_name if isinstance(given.branch_name, list) else [given.branch_name]
    names = {name: _branch_key(given.fork_data, name) for name in asked}
    needed = 1 if several else None
    return AwaitBranches(names=names, needed=needed, timeout_seconds=given.timeout_seconds, single=not several)


def cancel_branch(_ctx: ToolContext, given: BranchInput) -> Request:
    """Cancel one branch of a fork; one that is over is left alone. Returns ``{"cancelled": [task keys]}``."""
    return CancelBranches(keys=[_branch_key(given.fork_data, given.branch_name)])


def _branch_key(fork: ForkData, name: str) -> str:
    branches = fork.branches
    # The builder lower-cases branch names when it writes them down; authors go on using their own spelling.
    key = branches.get(name) or branches.get(name.lower())
    if key is None:
        near = difflib.get_close_matches(name, branches, n=3) or sorted(branches)[:5]
        raise ToolInputError(f"the fork has no branch {name!r}; it has {', '.join(near) or 'none'}")
    return key
