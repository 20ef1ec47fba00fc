"""`tools.rag.*` in a real worker: documents and their embeddings in PostgreSQL, each tenant's its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from engine.db.connection import connect
from engine.db.pool import Pool
from engine.model.json import JsonObject
from engine.ports import QuestionRefusedError
from engine.queue import library
from engine.queue.library import TenantLibrary
from engine.services.tidying import old_embeddings
from engine.tools.rag.passages import passages
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.models import ModelServer, model_server
from tests.support.workers import Workers

PLACES = [
    {"id": "paris", "text": "Paris is the capital of France.", "metadata": {"land": "fr"}},
    {"id": "rome", "text": "Rome is the capital of Italy."},
    {"id": "cat", "text": "A cat sleeps most of the day."},
]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as listening:
        yield listening


@pytest.fixture(scope="module")
def reader(
    module_database: Database, server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    """A worker that knows the server of models in both dialects."""
    folder: Path = tmp_path_factory.mktemp("reader")
    family = Workers(module_database, UUID(int=0), folder, folder)
    models = {"main": ["openai", f"{server.url}/v1"], "local": ["ollama", server.url]}
    worker = family.start(services={"models": models})
    yield family
    worker.kill()
    worker.wait()


@pytest.fixture
def desk(reader: Workers, server: ModelServer, tenant: UUID) -> Iterator[Workers]:
    server.forget()
    reader.tenant = tenant
    yield reader
    assert problems(reader.database.worker, grace_seconds=3) == []


def use(desk: Workers, *calls: tuple[str, JsonObject], provider: str = "main") -> list[Any]:
    """The results of tools that are called one after the other in a run; those of a run that failed are its error."""
    tasks: dict[str, JsonObject] = {}
    for number, (tool, given) in enumerate(calls):
        about: JsonObject = {} if tool == "forget" else {"provider": provider, "model": "e"}
        tasks[f"t{number}"] = {
            "task_id": f"t{number}",
            "operator_type": "task",
            "function": f"tools.rag.{tool}",
            "kwargs": {"collection": "places", **about, **given},
            "dependencies": [f"t{number - 1}"] if number else [],
        }
    run = desk.finish(desk.submit({"name": "rag", "version": "1", "start_task": "t0", "tasks": tasks}))
    if run.status != "completed":
        return [str(run.error)]
    results = desk.result(run.workflow_run_id)
    return [results[name] for name in tasks]


@pytest.mark.parametrize("provider", ["main", "local"])
def test_passages_are_found_by_meaning_the_nearest_first(desk: Workers, provider: str) -> None:
    indexed, found = use(
        desk,
        ("index", {"documents": PLACES}),
        ("query", {"query": "What is the capital of France?", "top_k": 2}),
        provider=provider,
    )
    assert indexed == {"documents": 3, "passages": 3, "embedded": 3, "collection_passages": 3}
    assert [match["document_id"] for match in found["matches"]] == ["paris", "rome"]
    best = found["matches"][0]
    assert (best["position"], best["content"], best["metadata"]) == (
        0,
        "Paris is the capital of France.",
        {"land": "fr"},
    )
    assert 0.5 < best["score"] <= 1
    assert found["context"].startswith("[paris] Paris is the capital of France.\n\n[rome]")


def test_nearness_is_the_exact_cosine(desk: Workers) -> None:
    documents = [{"id": "same", "text": "one two"}, {"id": "half", "text": "one three"}]
    _, found = use(desk, ("index", {"documents": documents}), ("query", {"query": "two one", "min_score": 0.4}))
    assert [(match["document_id"], match["score"]) for match in found["matches"]] == [("same", 1.0), ("half", 0.5)]


def test_a_document_takes_the_place_of_what_it_was_and_can_be_forgotten(desk: Workers) -> None:
    changed = [{"id": "paris", "text": "Lyon is a town."}]
    _, again, found, gone, left, all_gone = use(
        desk,
        ("index", {"documents": PLACES}),
        ("index", {"documents": changed}),
        ("query", {"query": "Lyon town", "top_k": 1}),
        ("forget", {"document_id": "rome"}),
        ("query", {"query": "capital", "min_score": -1}),
        ("forget", {}),
    )
    assert again["collection_passages"] == 3
    assert found["matches"][0]["content"] == "Lyon is a town."
    assert (gone["passages"], len(left["matches"]), all_gone["passages"]) == (1, 2, 2)


def test_the_same_text_is_embedded_once_for_a_tenant_until_its_time_is_over(desk: Workers, server: ModelServer) -> None:
    use(desk, ("index", {"documents": PLACES}), ("query", {"query": "x"}), ("query", {"query": "x"}))
    assert [len(asked["body"]["input"]) for asked in server.seen] == [3, 1]
    (again,) = use(desk, ("index", {"documents": PLACES}))
    assert again["embedded"] == 0
    with psycopg.connect(desk.database.superuser, autocommit=True) as connection:
        connection.execute(
            "UPDATE highway.embedding SET expires_at = highway.now() WHERE tenant_id = %s", [desk.tenant]
        )
    (late,) = use(desk, ("index", {"documents": PLACES}))
    assert late["embedded"] == 3
    (never,) = use(desk, ("index", {"documents": PLACES, "cache_seconds": 0}))
    assert never["embedded"] == 3


def test_a_tenant_sees_nothing_of_another_and_pays_for_its_own(desk: Workers) -> None:
    use(desk, ("index", {"documents": PLACES}))
    desk.tenant = uuid4()
    found, indexed = use(desk, ("query", {"query": "capital", "min_score": -1}), ("index", {"documents": PLACES}))
    assert (found["matches"], indexed["embedded"]) == ([], 3)


def test_vectors_of_another_model_are_not_compared(desk: Workers) -> None:
    use(desk, ("index", {"documents": PLACES}))
    (found,) = use(desk, ("query", {"query": "capital", "min_score": -1}), provider="local")
    assert found["matches"] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"documents": []}, "documents"),
        ({"documents": [*PLACES, PLACES[0]]}, "two documents have the same id"),
        ({"documents": PLACES, "passage_characters": 100, "overlap_characters": 60}, "at most half"),
        ({"documents": PLACES, "provider": "nobody"}, "no provider of models"),
    ],
)
def test_wrong_arguments_are_refused(desk: Workers, given: JsonObject, words: str) -> None:
    assert words in use(desk, ("index", given))[0]


def test_a_collection_is_bounded_and_one_that_would_be_too_large_stays_as_it_was(
    module_database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MOST_PASSAGES", 2)
    pool = Pool(module_database.worker, size=1, name="test")
    try:
        ours = TenantLibrary(pool, tenant)
        ours.index("c", "a", "m", {}, [("one", [1.0])])
        with pytest.raises(QuestionRefusedError, match="at most 2") as refused:
            ours.index("c", "b", "m", {}, [("two", [1.0]), ("three", [1.0])])
        assert not refused.value.retryable
        assert [each.content for each in ours.nearest("c", "m", [1.0], least=0, quantity=9)] == ["one"]
    finally:
        pool.close()


def test_embeddings_whose_time_is_over_are_forgotten(module_database: Database, tenant: UUID) -> None:
    pool = Pool(module_database.worker, size=1, name="test")
    try:
        ours = TenantLibrary(pool, tenant)
        ours.cache("m", {"a" * 64: [1.0]}, 0)
        ours.cache("m", {"b" * 64: [1.0]}, 1000)
        with connect(module_database.worker) as connection:
            assert sum(old_embeddings(connection)) >= 1
        assert list(ours.cached("m", ["a" * 64, "b" * 64])) == ["b" * 64]
    finally:
        pool.close()


def test_the_web_sees_only_the_passages_of_its_tenant(
    module_database: Database, tenant: UUID, other_tenant: UUID
) -> None:
    pool = Pool(module_database.worker, size=1, name="test")
    try:
        TenantLibrary(pool, tenant).index("c", "a", "m", {}, [("one", [1.0])])
    finally:
        pool.close()
    for who, seen in ((tenant, 1), (other_tenant, 0)):
        with psycopg.connect(module_database.web) as connection:
            connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(who)])
            row = connection.execute("SELECT count(*) FROM highway.passage WHERE tenant_id = %s", [tenant]).fetchone()
            assert row == (seen,)


def test_a_text_is_cut_at_its_paragraphs_and_sentences_and_nothing_is_lost() -> None:
    words = " ".join(f"word{number}" for number in range(100))
    text = f"First one. Second two.\n\n{words}"
    cut = passages(text, size=120, overlap=20)
    assert all(0 < len(piece) <= 120 for piece in cut)
    end = 0
    for piece in cut:
        begin = text.index(piece)
        assert text[end:begin].strip() == ""  # nothing is lost between two
        end = begin + len(piece)
    assert end == len(text)
    assert passages(text, size=40, overlap=0)[0] == "First one. Second two."
    assert "".join(passages("x" * 1_000, size=100, overlap=0)) == "x" * 1_000
    assert passages("  \n ", size=100, overlap=10) == []
