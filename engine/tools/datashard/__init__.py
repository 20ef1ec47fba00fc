"""`tools.datashard.append`: rows for analysis, in tables of files beside the database."""

from __future__ import annotations

from engine.tools.datashard.append import AppendInput, AppendOutput, append
from engine.tools.spec import ToolSpec

TOOLS = (ToolSpec("tools.datashard.append", append, AppendInput, side_effect="idempotent", output_model=AppendOutput),)
