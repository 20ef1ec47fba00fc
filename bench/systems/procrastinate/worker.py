"""A worker process: ``python -m bench.systems.procrastinate.worker URL NUMBER``

Set up as the documentation says for short asynchronous jobs: a high ``concurrency``, LISTEN/NOTIFY on (the default), jobs kept (the default).
"""

from __future__ import annotations

import asyncio
import logging
import sys

from procrastinate import App, PsycopgConnector

from launch.terminal import say

CONCURRENCY = 30
app = App(connector=PsycopgConnector())


@app.task(name="one_step")
async def one_step() -> None:
    """Does nothing."""


async def main(url: str, number: str) -> None:
    """Work until SIGTERM."""
    logging.disable(logging.INFO)
    connected = app.with_connector(PsycopgConnector(conninfo=url, min_size=4, max_size=CONCURRENCY + 4))
    async with connected.open_async():
        say("ready")
        await connected.run_worker_async(name=f"bench-{number}", concurrency=CONCURRENCY)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
