"""`tools.rag.*`: find what a tenant's documents say, by meaning. The documents and their embeddings stand in the platform's own database."""

from __future__ import annotations

from engine.tools.rag.index import ForgetInput, ForgetOutput, IndexInput, IndexOutput, forget, index
from engine.tools.rag.query import QueryInput, QueryOutput, query
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec("tools.rag.index", index, IndexInput, side_effect="idempotent", library=True, output_model=IndexOutput),
    ToolSpec("tools.rag.query", query, QueryInput, side_effect="pure", library=True, output_model=QueryOutput),
    ToolSpec(
        "tools.rag.forget", forget, ForgetInput, side_effect="idempotent", library=True, output_model=ForgetOutput
    ),
)
