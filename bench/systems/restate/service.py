"""Restate's handlers of the bench, as an ASGI application: ``python -m hypercorn bench.systems.restate.service:app``."""

from __future__ import annotations

import time

import restate

from bench.client import CHILDREN, STEPS

bench = restate.Service("bench")
sleeper = restate.Workflow("sleeper")


def nothing() -> None:
    """The body of every step."""


def clock() -> float:
    """The body of the step behind a wait."""
    return time.time()


@bench.handler()
async def one_step(ctx: restate.Context) -> None:
    """One durable step."""
    await ctx.run_typed("step", nothing)


@bench.handler()
async def ten_steps(ctx: restate.Context) -> None:
    """Ten, one after another."""
    for number in range(STEPS):
        await ctx.run_typed(f"step_{number}", nothing)


@bench.handler()
async def fan_out(ctx: restate.Context) -> None:
    """Calls all children, then waits for all."""
    await restate.gather(*(ctx.service_call(one_step, None) for _ in range(CHILDREN)))


@sleeper.main("wake_up")
async def wake_up(ctx: restate.WorkflowContext) -> float:
    """Waits for a promise, then one step."""
    await ctx.promise("go", type_hint=str).value()
    return float(await ctx.run_typed("step", clock))


@sleeper.handler("go")
async def go(ctx: restate.WorkflowSharedContext) -> None:
    """Keeps the promise."""
    await ctx.promise("go", type_hint=str).resolve("go")


app = restate.app(services=[bench, sleeper])
