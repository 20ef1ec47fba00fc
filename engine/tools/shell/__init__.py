"""`tools.shell.run`: a command line, run beside the worker and never longer than it."""

from __future__ import annotations

from engine.tools.shell.run import ShellInput, run
from engine.tools.spec import ToolSpec

TOOLS = (ToolSpec("tools.shell.run", run, ShellInput, side_effect="effectful"),)
