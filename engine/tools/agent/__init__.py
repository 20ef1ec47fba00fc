"""`tools.agent.*`: language models that work: towards a goal with tools, with subgoals as child runs, and corrected by a verifier."""

from __future__ import annotations

from engine.tools.agent.goal import Goal, InitGoalInput, init_goal
from engine.tools.agent.reflexive import ReflexiveInput, ReflexiveOutput, reflexive_loop
from engine.tools.agent.run import RunGoalInput, run_goal
from engine.tools.agent.subgoals import SubgoalsInput, SubgoalsOutput, spawn_subgoals
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.agent.init_goal", init_goal, InitGoalInput, side_effect="idempotent", inline=True, output_model=Goal
    ),
    ToolSpec("tools.agent.run_goal", run_goal, RunGoalInput, side_effect="effectful", durable=True, output_model=Goal),
    ToolSpec(
        "tools.agent.spawn_subgoals",
        spawn_subgoals,
        SubgoalsInput,
        side_effect="effectful",
        durable=True,
        output_model=SubgoalsOutput,
    ),
    ToolSpec(
        "tools.agent.reflexive_loop",
        reflexive_loop,
        ReflexiveInput,
        side_effect="effectful",
        durable=True,
        output_model=ReflexiveOutput,
    ),
)
