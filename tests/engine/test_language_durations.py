"""Durations as ISO 8601, the builder and people write them; canonical JSON and the identity of definitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.language import canonical_json, definition_hash
from engine.language.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT30S", 30),
        ("PT30.0S", 30),
        ("PT0.25S", 0.25),
        ("PT5M", 300),
        ("PT1H30M", 5_400),
        ("PT1.5H", 5_400),
        ("PT1,5H", 5_400),
        ("P1D", 86_400),
        ("P1DT12H", 129_600),
        ("P2W", 1_209_600),
        ("P1Y35D", 34_560_000),
        ("PT7200S", 7_200),
        ("PT0S", 0),
        ("duration:2.5", 2.5),
    ],
)
def test_these_are_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


NOT_DURATIONS = [
    *("", "P", "PT", "30", "30s", "PT30", "P1M", "-PT5S", "PT-5S", "PT5S ", "P1D2H", "PT1e9S", "PT\u0663S"),
    *("P" + "9" * 80 + "D", "P99999999D", "P101Y"),
    *("duration:", "duration:x", "duration:nan", "duration:inf", "duration:-1"),
]


@pytest.mark.parametrize("text", NOT_DURATIONS)
def test_these_are_not(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the author's, any will do
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3_650)))
def test_whatever_pydantic_writes_is_read_back(value: timedelta) -> None:
    text = TypeAdapter(timedelta).dump_python(value, mode="json")
    assert parse_duration(text) == pytest.approx(value.total_seconds(), abs=1e-6)


def test_canonical_json_has_one_text_for_equal_values() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": "ä"}) == '{"a":"ä","b":[1,2.5,null,true]}'
    assert definition_hash({"a": 1, "b": {"d": 1, "c": 2}}) == definition_hash({"b": {"c": 2, "d": 1}, "a": 1})
    assert definition_hash({"a": [1, 2]}) != definition_hash({"a": [2, 1]})
    assert len(definition_hash({})) == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_json_does_not_have_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(value)
