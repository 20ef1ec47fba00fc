"""`tools.email.send`: hand a mail to the server that the deployment has named."""

from __future__ import annotations

from engine.tools.email.input import EmailInput, EmailOutput
from engine.tools.email.send import send
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.email.send",
        send,
        EmailInput,
        side_effect="effectful",
        resource=lambda _given: "mail",
        output_model=EmailOutput,
    ),
)
