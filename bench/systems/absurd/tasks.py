"""Absurd's tasks of the bench, and how it is set up. Its documentation: awaited children stand in another queue than their parent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from absurd_sdk import AsyncAbsurd

from bench.client import CHILDREN, STEPS

QUEUE, CHILD_QUEUE = "bench", "bench_children"
QUEUES = (QUEUE, CHILD_QUEUE)


async def nothing() -> None:
    """The body of every step."""


async def clock() -> float:
    """The body of the step behind a wait."""
    return time.time()


async def one_step(_params: Any, ctx: Any) -> None:
    """One durable step."""
    await ctx.step("step", nothing)


async def ten_steps(_params: Any, ctx: Any) -> None:
    """Ten, one after another."""
    for number in range(STEPS):
        await ctx.step(f"step_{number}", nothing)


async def wake_up(_params: Any, ctx: Any) -> float:
    """Waits for the event of this task, then one step."""
    await ctx.await_event(f"go:{ctx.task_id}")
    return float(await ctx.step("step", clock))


def register(app: AsyncAbsurd, children: AsyncAbsurd, start_children: Callable[[], None]) -> None:
    """Name the tasks to the workers of the two queues. ``start_children`` starts that of the second, once, with the first run that needs it."""
    children.register_task("one_step")(one_step)
    for task in (one_step, ten_steps, wake_up):
        app.register_task(task.__name__)(task)

    @app.register_task("fan_out")
    async def fan_out(_params: Any, ctx: Any) -> None:
        """Each child has a key, so that a second attempt does not start it again."""
        start_children()
        keys = [f"{ctx.task_id}:{number}" for number in range(CHILDREN)]
        started = [await children.spawn("one_step", None, idempotency_key=key) for key in keys]
        for child in started:
            await ctx.await_task_result(child["task_id"], queue_name=CHILD_QUEUE)
