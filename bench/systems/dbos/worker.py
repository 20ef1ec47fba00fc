"""A worker process, which DBOS calls an executor: ``python -m bench.systems.dbos.worker URL NUMBER``."""

from __future__ import annotations

import signal
import sys

from bench.systems.dbos.app import launch
from launch.terminal import say


def main(url: str, number: str) -> None:
    """Work until SIGTERM."""
    launch(url, number)
    say("ready")
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(*sys.argv[1:])
