"""`tools.llm.call`: ask a language model of a server that the deployment has named."""

from __future__ import annotations

from engine.tools.llm.call import call
from engine.tools.llm.input import LlmInput, LlmOutput
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.llm.call",
        call,
        LlmInput,
        side_effect="effectful",
        resource=lambda given: f"model:{given.provider}",
        output_model=LlmOutput,
    ),
)
