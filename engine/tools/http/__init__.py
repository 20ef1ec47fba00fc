"""`tools.http.request`: one HTTP call to the outside, never to the inside unless the tenant's policy opens it."""

from __future__ import annotations

from engine.tools.http.input import HttpInput
from engine.tools.http.request import request
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.http.request",
        request,
        HttpInput,
        side_effect="effectful",
        resource=lambda given: given.called_host,
    ),
)
