"""The language of the runs list."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.model.views import RunFilter
from workflows.query import parse_query

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def chosen(text: str) -> RunFilter:
    query = parse_query(text, now=NOW)
    assert query.problems == ()
    return query.chosen


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", RunFilter()),
        ("status:failed", RunFilter(statuses=("failed",))),
        ("status:succeeded,queued", RunFilter(statuses=("completed", "pending"))),
        ("workflow:order_* workflow:etl", RunFilter(names=("order_*", "etl"))),
        ("tag:eu tag:vip", RunFilter(tags=("eu", "vip"))),
        ("attr:customer=acme attr:n=3", RunFilter(attributes=(("customer", "acme"), ("n", "3")))),
        ("id:018F", RunFilter(text="018f")),
        ("timeout in gateway", RunFilter(text="timeout in gateway")),
        ('"status:failed"', RunFilter(text="status:failed")),
        ('workflow:"two words"', RunFilter(names=("two words",))),
        ("started:<24h", RunFilter(created_from=NOW - timedelta(hours=24))),
        ("started:>7d", RunFilter(created_to=NOW - timedelta(days=7))),
        ("started:>2026-11-01", RunFilter(created_from=datetime(2026, 11, 1, tzinfo=UTC))),
        ("started:<2026-11-01", RunFilter(created_to=datetime(2026, 11, 1, tzinfo=UTC))),
    ],
)
def test_every_kind_of_word_filters(text, wanted):
    assert chosen(text) == wanted


@pytest.mark.parametrize(
    ("text", "word", "hint"),
    [
        ("statu:failed", "statu:failed", "status:"),
        ("status:faild x", "status:faild", "failed"),
        ("status:", "status:", "missing"),
        ("started:yesterday", "started:yesterday", "<24h"),
        ("attr:customer", "attr:customer", "attr:customer=acme"),
        ("owner:me", "owner:me", "workflow:"),
    ],
)
def test_a_word_that_is_not_understood_is_named_and_filters_nothing(text, word, hint):
    query = parse_query(text, now=NOW)
    assert [problem.word for problem in query.problems] == [word]
    assert hint in query.problems[0].message
    assert query.chosen in (RunFilter(), RunFilter(text="x"))
