"""Find the passages that say something about a question."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.ports import Passage
from engine.tools.rag.embedding import EmbeddingChoice, embeddings, library_of


class QueryInput(EmbeddingChoice):
    """A question, and how many passages are wanted; those with a score below ``min_score`` (1 is the same, 0 has nothing to do with it) are left out."""

    query: Annotated[str, Field(min_length=1, max_length=20_000)]
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    min_score: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] = 0.0


class Match(BaseModel):
    """A passage: where it stands, what it says, and how near it is to the question."""

    document_id: str
    position: int
    content: str
    metadata: JsonValue
    score: float


class QueryOutput(BaseModel):
    """The passages, the nearest first, and ``context``: their texts in one, to be put into a prompt."""

    matches: list[Match]
    context: str


def query(ctx: ToolContext, given: QueryInput) -> Json:
    """Find passages of a collection by meaning. Returns ``{"matches": [{"document_id", "position", "content", "metadata", "score"}], "context"}``.

    Nearness is the exact cosine over all passages of the collection that the same provider and model has embedded; the question's embedding is
    kept in the tenant's cache.
    """
    vectors, _ = embeddings(ctx, given, [given.query])
    found = library_of(ctx).nearest(
        given.collection, given.whose, vectors[given.query], least=given.min_score, quantity=given.top_k
    )
    return {
        "matches": [_match(passage) for passage in found],
        "context": "\n\n".join(f"[{passage.document_id}] {passage.content}" for passage in found),
    }


def _match(passage: Passage) -> Json:
    return {
        "document_id": passage.document_id,
        "position": passage.position,
        "content": passage.content,
        "metadata": passage.metadata,
        "score": round(passage.score, 6),
    }
