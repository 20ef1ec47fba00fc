"""`tools.code.*`: Python that is written in the workflow, run in the sandbox: `exec` for a value, `durable` for code that waits and has effects."""

from __future__ import annotations

from engine.tools.code.durable import DurableInput, run_durable
from engine.tools.code.run import CodeInput, run
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec("tools.code.exec", run, CodeInput, side_effect="pure"),
    ToolSpec("tools.code.durable", run_durable, DurableInput, side_effect="effectful", durable=True),
)
