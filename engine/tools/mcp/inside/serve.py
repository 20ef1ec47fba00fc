"""Runs in the sandbox: a module as an MCP server whose standard input and output are our line to it."""

from __future__ import annotations

import json
import os
import runpy
import sys


def main() -> None:
    """Run the module as a program; what it finds in the folders comes before everything else."""
    with open("/job/told", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        told = json.load(file)
    line = int(os.environ.pop("HIGHWAY_CHANNEL"))
    for standard in (0, 1):
        os.dup2(line, standard)
    sys.path[:0] = told["folders"]
    sys.argv = [told["module"]]
    runpy.run_module(told["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
