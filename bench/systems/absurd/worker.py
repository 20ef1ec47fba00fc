"""A worker process: one asynchronous worker a queue, that of the children only where there are any. ``python -m bench.systems.absurd.worker URL NUMBER``

Set up as the documentation says: many tasks at a time, claimed in batches of as many, and, for latency, a shorter pause between claims
than the default of 0.25 s. A queue's worker has one connection.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from absurd_sdk import AsyncAbsurd

from bench.systems.absurd.tasks import CHILD_QUEUE, QUEUE, register
from launch.terminal import say

CONCURRENCY = 100
POLL_SECONDS = 0.005


async def main(url: str) -> None:
    """Work until SIGTERM."""
    parents = AsyncAbsurd(url, queue_name=QUEUE)
    children = AsyncAbsurd(url, queue_name=CHILD_QUEUE)
    working: list[asyncio.Task[None]] = []

    def start_children() -> None:
        if not working:
            working.append(asyncio.create_task(work(children)))

    register(parents, children, start_children)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit, 0)
    await parents.list_queues()
    say("ready")
    await work(parents)


async def work(app: AsyncAbsurd) -> None:
    """One queue, for ever."""
    await app.start_worker(concurrency=CONCURRENCY, poll_interval=POLL_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
