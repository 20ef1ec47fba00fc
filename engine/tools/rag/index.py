"""Put documents into a collection, and take them out."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.ports import QuestionRefusedError
from engine.tools.errors import ToolError
from engine.tools.rag.embedding import EmbeddingChoice, embeddings, library_of
from engine.tools.rag.passages import passages
from engine.tools.spec import ToolInput

Id = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class Document(BaseModel):
    """A text under an id of its own; ``metadata`` comes back with each of its passages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id
    text: Annotated[str, Field(max_length=2_000_000)]
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class IndexInput(EmbeddingChoice):
    """Documents, and how long their passages are, in characters. Queries have to name the same provider and model."""

    documents: Annotated[list[Document], Field(min_length=1, max_length=500)]
    passage_characters: Annotated[int, Field(ge=100, le=20_000)] = 1_500
    overlap_characters: Annotated[int, Field(ge=0, le=5_000)] = 200

    @model_validator(mode="after")
    def _goes_on(self) -> IndexInput:
        if self.overlap_characters * 2 > self.passage_characters:
            raise ValueError("overlap_characters can be at most half of passage_characters")
        if len({document.id for document in self.documents}) < len(self.documents):
            raise ValueError("two documents have the same id")
        return self


class IndexOutput(BaseModel):
    """How many passages the documents have, for how many the model was asked, and how many the collection has now."""

    documents: int
    passages: int
    embedded: int
    collection_passages: int


class ForgetInput(ToolInput):
    """A document of a collection; without ``document_id`` all of them."""

    collection: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    document_id: Id | None = None


class ForgetOutput(BaseModel):
    """How many passages are gone."""

    passages: int


def index(ctx: ToolContext, given: IndexInput) -> Json:
    """Put documents into a collection of the tenant, in the place of what they were. Returns ``{"documents", "passages", "embedded", "collection_passages"}``.

    A collection has 10,000 passages at most: each query is compared with all of them. Texts that were embedded before, for whichever document,
    are taken from the tenant's cache.
    """
    size, overlap = given.passage_characters, given.overlap_characters
    cut = {document.id: passages(document.text, size=size, overlap=overlap) for document in given.documents}
    texts = list(dict.fromkeys(text for pieces in cut.values() for text in pieces))
    vectors, embedded = embeddings(ctx, given, texts)
    library, total = library_of(ctx), 0
    try:
        for document in given.documents:
            pieces = [(text, vectors[text]) for text in cut[document.id]]
            metadata: Json = dict(document.metadata)
            total = library.index(given.collection, document.id, given.whose, metadata, pieces)
    except QuestionRefusedError as refused:
        raise ToolError(str(refused), type=refused.type, retryable=refused.retryable) from refused
    return {
        "documents": len(cut),
        "passages": sum(len(pieces) for pieces in cut.values()),
        "embedded": embedded,
        "collection_passages": total,
    }


def forget(ctx: ToolContext, given: ForgetInput) -> Json:
    """Take a document out of a collection, or forget the collection. Returns ``{"passages"}``."""
    return {"passages": library_of(ctx).forget(given.collection, given.document_id)}
