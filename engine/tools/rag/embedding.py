"""Embeddings of texts: from the tenant's cache where it has them, else from the model, a batch at a time."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from engine.durable.tool_context import ToolContext
from engine.ports import Library
from engine.tools.errors import ToolCancelled, ToolError
from engine.tools.llm.input import ModelName, ProviderName
from engine.tools.llm.provider import embed, provider_of
from engine.tools.spec import ToolInput

BATCH = 64
DAY = 86_400.0


class EmbeddingChoice(ToolInput):
    """Which model embeds, and for how long its answers are kept for the tenant (0: not at all)."""

    collection: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    provider: ProviderName
    model: ModelName
    cache_seconds: Annotated[float, Field(ge=0, le=366 * DAY, allow_inf_nan=False)] = 30 * DAY

    @property
    def whose(self) -> str:
        """Whose vectors these are: only those of one model can be compared."""
        return f"{self.provider}/{self.model}"


def library_of(ctx: ToolContext) -> Library:
    """The tenant's library."""
    if ctx.library is None:
        raise RuntimeError(f"step {ctx.step_key}: the tool was called without a library")
    return ctx.library


def embeddings(ctx: ToolContext, given: EmbeddingChoice, texts: Sequence[str]) -> tuple[dict[str, list[float]], int]:
    """The vectors of texts, each of length one, by text; and how many of them the model was asked for."""
    provider = provider_of(ctx, given.provider, given.model)
    library, digests = library_of(ctx), {text: _digest(text) for text in texts}
    known = library.cached(given.whose, list(digests.values())) if given.cache_seconds else {}
    found = {text: known[digest] for text, digest in digests.items() if digest in known}
    missing = [text for text in digests if text not in found]
    for number, batch in enumerate(_batches(missing)):
        if not ctx.heartbeat({"embedded": number * BATCH, "of": len(missing)}):
            raise ToolCancelled
        vectors = embed(ctx, provider, given.model, batch, key=f"{ctx.idempotency_key}:embed-{_digest(''.join(batch))}")
        fresh = {text: _of_length_one(vector) for text, vector in zip(batch, vectors, strict=True)}
        found |= fresh
        if given.cache_seconds:  # at once: an attempt that fails later has not paid in vain
            library.cache(given.whose, {digests[text]: vector for text, vector in fresh.items()}, given.cache_seconds)
    return found, len(missing)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), BATCH):
        yield list(texts[start : start + BATCH])


def _of_length_one(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(number * number for number in vector))
    if not math.isfinite(length) or length == 0:
        raise ToolError("the model gave a vector without a direction", type="UnreadableAnswer")
    return [number / length for number in vector]
