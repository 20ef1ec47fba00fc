"""A program that has loaded everything and forks a child for each request: a worker is there in milliseconds.

Reads lines of JSON, ``{"target": "module:function", "arguments": {...}, "log": path}``, and answers each with the child's process id.
It has one thread, so that its children inherit nothing half done; they die with it, and it dies with whoever started it.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from typing import Any

from launch.process import leash


def main() -> int:
    """Serve until the input ends."""
    import tests.crash.jobs  # noqa: F401 - the point of this program is that it is loaded

    gc.collect()
    gc.freeze()  # else each child copies all that is loaded as soon as it collects garbage
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(threadName)s %(name)s %(message)s")
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    for line in sys.stdin:
        sys.stdout.write(f"{_fork(json.loads(line))}\n")
        sys.stdout.flush()
    return 0


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _fork(request: dict[str, Any]) -> int:
    attach = leash(signal.SIGKILL)
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        attach()
        _become(request)
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must not go back into the server's loop
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


def _become(request: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    module, function = request["target"].split(":")
    getattr(importlib.import_module(module), function)(**request["arguments"])


if __name__ == "__main__":
    sys.exit(main())
