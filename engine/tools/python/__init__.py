"""`tools.python.run`: functions of code that the tenant has stored, run in the sandbox with a durable context."""

from __future__ import annotations

from engine.tools.python.run import PythonInput, run
from engine.tools.spec import ToolSpec

TOOLS = (ToolSpec("tools.python.run", run, PythonInput, side_effect="effectful", durable=True, passes_on=True),)
