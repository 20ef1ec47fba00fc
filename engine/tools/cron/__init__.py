"""`tools.cron.durable_cron`: a loop inside a run that comes by a cron expression."""

from __future__ import annotations

from engine.tools.cron.loop import CronInput, CronOutput, durable_cron
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.cron.durable_cron",
        durable_cron,
        CronInput,
        side_effect="effectful",
        durable=True,
        output_model=CronOutput,
    ),
)
