"""`tools.code.exec`: Python that is written in the workflow, run in the sandbox."""

from __future__ import annotations

from engine.tools.code.run import CodeInput, run
from engine.tools.spec import ToolSpec

TOOLS = (ToolSpec("tools.code.exec", run, CodeInput, side_effect="pure"),)
