"""`tools.workflow.*`: wait for, cancel, or start other work; take what was sent to the run.

These tools only ask: the engine makes the request durable and answers.
"""

from __future__ import annotations

from engine.tools.spec import ToolSpec
from engine.tools.workflow.activities import (
    ActivityInput,
    WaitForActivityInput,
    cancel_activity,
    wait_for_activity,
)
from engine.tools.workflow.attributes import SetAttributesInput, set_attributes
from engine.tools.workflow.branches import (
    BranchInput,
    ForkInput,
    WaitForBranchInput,
    cancel_branch,
    wait_for_branch,
    wait_for_parallel_branches,
)
from engine.tools.workflow.child import ExecuteInput, execute
from engine.tools.workflow.continuing import ContinueInput, continue_as_new
from engine.tools.workflow.signals import ReceiveInput, receive_signal

TOOLS = (
    ToolSpec(
        "tools.workflow.wait_for_parallel_branches",
        wait_for_parallel_branches,
        ForkInput,
        side_effect="pure",
        inline=True,
    ),
    ToolSpec("tools.workflow.wait_for_branch", wait_for_branch, WaitForBranchInput, side_effect="pure", inline=True),
    ToolSpec("tools.workflow.cancel_branch", cancel_branch, BranchInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.workflow.receive_signal", receive_signal, ReceiveInput, side_effect="idempotent", inline=True),
    ToolSpec(
        "tools.workflow.set_attributes",
        set_attributes,
        SetAttributesInput,
        side_effect="idempotent",
        inline=True,
    ),
    ToolSpec(
        "tools.workflow.wait_for_activity", wait_for_activity, WaitForActivityInput, side_effect="pure", inline=True
    ),
    ToolSpec("tools.workflow.cancel_activity", cancel_activity, ActivityInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.workflow.execute", execute, ExecuteInput, side_effect="idempotent", inline=True),
    ToolSpec("tools.workflow.continue_as_new", continue_as_new, ContinueInput, side_effect="idempotent", inline=True),
)
