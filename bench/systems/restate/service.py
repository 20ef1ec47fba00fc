"""Restate's handlers of the bench, as an ASGI application: ``python -m hypercorn bench.systems.restate.service:app``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import restate

from bench.client import CHILDREN, STEPS

AWAKEABLES = Path(os.environ["BENCH_AWAKEABLES"])  # a folder: where a run leaves the name by which it can be woken
bench = restate.Service("bench")


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


@bench.handler()
async def wake_up(ctx: restate.Context, run: str) -> float:
    """Tells somebody the name of an awakeable, as its documentation has it for callbacks, waits for it, then one step."""
    name, woken = ctx.awakeable(type_hint=str)
    await ctx.run_typed("tell", tell, run=run, name=name)
    await woken
    return float(await ctx.run_typed("step", clock))


def tell(run: str, name: str) -> None:
    """Leave the name where the bench finds it, whole."""
    draft = AWAKEABLES / f"{run}.draft"
    draft.write_text(name)
    draft.rename(AWAKEABLES / run)


app = restate.app(services=[bench])
