"""`engine.ports.Library` of one tenant, on the engine's own database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.db.errors import StateError
from engine.db.pool import Pool
from engine.db.queries import load
from engine.kit.json_text import dumps, storable
from engine.model.json import Json
from engine.ports import Library, Passage, QuestionRefusedError

_sql = load("passage")
MOST_PASSAGES = 10_000  # of a collection: all of them are compared with each question, a second's work


@dataclass(frozen=True, slots=True)
class TenantLibrary(Library):
    """Each method is one statement of the tenant's, committed by itself."""

    pool: Pool
    tenant_id: UUID

    def cached(self, model: str, digests: Sequence[str]) -> Mapping[str, list[float]]:
        with self.pool.connection() as connection:
            rows = _sql.cached.many(connection, tenant_id=self.tenant_id, model=model, digests=list(digests))
        return {row["digest"]: row["embedding"] for row in rows}

    def cache(self, model: str, embeddings: Mapping[str, list[float]], keep_seconds: float) -> None:
        with self.pool.connection() as connection:
            _sql.cache.run(
                connection,
                tenant_id=self.tenant_id,
                model=model,
                digests=list(embeddings),
                embeddings=[_vector(vector) for vector in embeddings.values()],
                keep_seconds=keep_seconds,
            )

    def index(
        self, collection: str, document_id: str, model: str, metadata: Json, passages: Sequence[tuple[str, list[float]]]
    ) -> int:
        try:
            with self.pool.connection() as connection:
                row = _sql.index_document.one(
                    connection,
                    tenant_id=self.tenant_id,
                    collection=collection,
                    document_id=document_id,
                    model=model,
                    metadata=dumps(storable(metadata)),
                    contents=[storable(content) for content, _ in passages],
                    embeddings=[_vector(vector) for _, vector in passages],
                    most=MOST_PASSAGES,
                )
        except StateError as full:
            raise QuestionRefusedError(str(full), type="CollectionFull", retryable=False) from full
        return int(row["passages"]) if row else 0

    def forget(self, collection: str, document_id: str | None) -> int:
        with self.pool.connection() as connection:
            row = _sql.forget_document.one(
                connection, tenant_id=self.tenant_id, collection=collection, document_id=document_id
            )
        return int(row["gone"]) if row else 0

    def nearest(
        self, collection: str, model: str, embedding: Sequence[float], *, least: float, quantity: int
    ) -> list[Passage]:
        with self.pool.connection() as connection:
            rows = _sql.nearest.many(
                connection,
                tenant_id=self.tenant_id,
                collection=collection,
                model=model,
                embedding=_vector(embedding),
                least=least,
                quantity=quantity,
            )
        return [Passage(**row) for row in rows]


def _vector(numbers: Iterable[float]) -> str:
    """The array literal of a vector."""
    return "{" + ",".join(map(repr, numbers)) + "}"
