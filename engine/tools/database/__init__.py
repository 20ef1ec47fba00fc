"""`tools.database.query`: one statement for a database that the deployment has named, never for the platform's own."""

from __future__ import annotations

from engine.tools.database.query import QueryInput, QueryOutput, query
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.database.query",
        query,
        QueryInput,
        side_effect="effectful",
        resource=lambda given: f"database:{given.database}",
        output_model=QueryOutput,
    ),
)
