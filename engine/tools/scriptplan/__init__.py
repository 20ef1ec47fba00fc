"""`tools.scriptplan.windows`: when the tasks of a project can be done, by the rules of its plan."""

from __future__ import annotations

from engine.tools.scriptplan.windows import WindowsInput, WindowsOutput, windows
from engine.tools.spec import ToolSpec

TOOLS = (ToolSpec("tools.scriptplan.windows", windows, WindowsInput, side_effect="pure", output_model=WindowsOutput),)
