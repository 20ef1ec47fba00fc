"""The loops in the environment of a system: ``python -m bench.agent MODULE CONFIG``. One JSON object a line, asked and answered.

MODULE has ``open_client(config)``. What libraries print goes to standard error, so that it cannot be mistaken for an answer.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import traceback
from typing import Any, TextIO

from bench.loops import Loops


def main(module: str, config: str) -> int:
    """Answer until the asker closes the pipe."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    client = importlib.import_module(module).open_client(json.loads(config))
    try:
        _serve(Loops(client), answers)
    finally:
        client.close()
    return 0


def _serve(loops: Loops, answers: TextIO) -> None:
    for line in sys.stdin:
        question: dict[str, Any] = json.loads(line)
        try:
            value = getattr(loops, question["do"])(*question["with"])
            answer = {"value": dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value}  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 (told to the asker, who ends the measurement)
            answer = {"error": f"{error!r}\n{traceback.format_exc()}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
